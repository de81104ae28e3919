// An application's own converters, which may not know what an earlier version of it stored.
import { type convertToModelMessages, toolModelMessageSchema, type UIMessage } from "ai";

export type Conversion<M extends UIMessage> = NonNullable<
  Parameters<typeof convertToModelMessages<M>>[1]
>;
type Tools = NonNullable<Conversion<UIMessage>["tools"]>;
type ToModelOutput = NonNullable<Tools[string]["toModelOutput"]>;

/** Where `toModelOutput` fails, the output is given as that of a tool that has none; a data part of
 * which `convertDataPart` makes nothing is left out. */
export function safely<M extends UIMessage>(conversion: Conversion<M>): Partial<Conversion<M>> {
  const { tools, convertDataPart } = conversion;
  const safe: Partial<Conversion<M>> = {};
  if (tools) {
    const entries = Object.entries(tools).map(([name, { toModelOutput, ...tool }]) => {
      return [name, toModelOutput ? { ...tool, toModelOutput: output(toModelOutput) } : tool];
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

function output(toModelOutput: ToModelOutput): ToModelOutput {
  return async (given: Parameters<ToModelOutput>[0]) => {
    const { toolCallId, output: value } = given;
    try {
      const output = await toModelOutput(given);
      const result = { type: "tool-result", toolCallId, toolName: "-", output };
      toolModelMessageSchema.parse({ role: "tool", content: [result] });
      return output;
    } catch {
      const type = typeof value === "string" ? "text" : "json";
      return { type, value: value ?? null } as Awaited<ReturnType<ToModelOutput>>;
    }
  };
}
