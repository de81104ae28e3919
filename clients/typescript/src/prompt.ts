// What a model takes of a chat of the AI SDK, whatever is in it.
import {
  convertToModelMessages,
  getToolName,
  isToolUIPart,
  type ModelMessage,
  type SystemModelMessage,
  type UIMessage,
} from "ai";

type Conversion<M extends UIMessage> = NonNullable<
  Parameters<typeof convertToModelMessages<M>>[1]
>;
type Part = UIMessage["parts"][number];

/** A data URL as the SDK takes it. */
const BASE64 = /^data:[^,;]+(;[^,;]*)*;base64,[\w+/-]+={0,2}$/i;

/**
 * `instructions` and `messages` for `streamText`: system messages are instructions, as it takes
 * them nowhere else. A tool's call without a result, a file that no model can be given and a
 * message of which nothing is left are not among them.
 */
export async function toPrompt<M extends UIMessage>(
  messages: readonly M[],
  conversion: Conversion<M> = {},
): Promise<{ instructions: SystemModelMessage[]; messages: ModelMessage[] }> {
  const now = messages.findLastIndex(({ role }) => role === "user");
  const sendable = messages.map((message, place) => {
    const isSendable = (part: Part) => isWholeCall(part, place < now) && isReachable(part);
    return { ...message, parts: message.parts.filter(isSendable) };
  });
  const options = { ignoreIncompleteToolCalls: true, ...conversion };
  const converted = await convertToModelMessages<M>(sendable, options);
  return {
    instructions: converted.filter((message) => message.role === "system"),
    messages: converted.filter(({ role, content }) => role !== "system" && content.length > 0),
  };
}

/** Whether a part is no tool's call, or a call that names it and that waits for no approved run
 * which was passed over. */
function isWholeCall(part: Part, isPast: boolean): boolean {
  if (!isToolUIPart(part)) return true;
  return getToolName(part) !== "" && !(isPast && part.state === "approval-responded");
}

/** Whether a part's file, and those of a message within it, can be read by a model. */
function isReachable(part: Part): boolean {
  if ("parts" in part && Array.isArray(part.parts)) return part.parts.every(isReachable);
  if (part.type !== "file" && part.type !== "reasoning-file") return true;
  if ("providerReference" in part && part.providerReference) return true;
  if (!URL.canParse(part.url)) return false;
  const [scheme] = part.url.trim().toLowerCase().split(":", 1);
  return scheme === "data" ? BASE64.test(part.url) : scheme !== "blob" && scheme !== "file";
}
