// An application's own converters, which may not know what an earlier version of it stored.
import { type convertToModelMessages, toolModelMessageSchema, type UIMessage } from "ai";

export type Conversion<M extends UIMessage> = NonNullable<
  Parameters<typeof convertToModelMessages<M>>[1]
>;
type Tools = NonNullable<Conversion<UIMessage>["tools"]>;
type ToModelOutput = NonNullable<Tools[string]["toModelOutput"]>;
type Output = Awaited<ReturnType<ToModelOutput>>;

/** Where `toModelOutput` fails, the output is given as that of a tool that has none; a data part of
 * which `convertDataPart` makes nothing is left out. */
export function safely<M extends UIMessage>(conversion: Conversion<M>): Partial<Conversion<M>> {
  const { tools, convertDataPart } = conversion;
  const safe: Partial<Conversion<M>> = {};
  if (tools) {
    const entries = Object.entries(tools).map(([name, tool]) => {
      return [name, tool.toModelOutput ? { toModelOutput: output(tool) } : tool];
    });
    safe.tools = Object.fromEntries(entries) as Tools;
  }
  if (convertDataPart) {
    safe.convertDataPart = (part) => {
      try {
        return convertDataPart(part);
      } catch {
        return undefined;
      }
    };
  }
  return safe;
}

function output(tool: Tools[string]): ToModelOutput {
  return async (given: Parameters<ToModelOutput>[0]) => {
    try {
      const output = await tool.toModelOutput!(given);
      check(output);
      return output;
    } catch {
      const { output: value } = given;
      const type = typeof value === "string" ? "text" : "json";
      return { type, value: value ?? null } as Output;
    }
  };
}

/** Throws where the SDK or a provider would, with all of a chat: what the SDK sends as it is, JSON
 * or an item of a kind that it does not know, is not looked at. */
function check(output: Output): void {
  const isJson = output.type === "json" || output.type === "error-json";
  if (isJson && output.value !== undefined) return;
  const isKnown = ({ type }: { type: string }) => /^(text|file|image)/.test(type);
  const known = output.type === "content" ? output.value.filter(isKnown) : [];
  const checked = output.type === "content" ? { ...output, value: known } : output;
  const result = { type: "tool-result", toolCallId: "-", toolName: "-", output: checked };
  toolModelMessageSchema.parse({ role: "tool", content: [result] });
}
