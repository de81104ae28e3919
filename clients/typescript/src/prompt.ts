// What a model takes of a chat of the AI SDK, whatever is in it.
import {
  convertToModelMessages,
  getToolName,
  isToolUIPart,
  type ModelMessage,
  type UIMessage,
} from "ai";

import { type Conversion, safely } from "./safe-conversion.ts";

type Part = UIMessage["parts"][number];

export interface PromptOptions<M extends UIMessage> extends Conversion<M> {
  /** What the model fetches by itself, as its `supportedUrls` says, beside http, https and data. */
  supportedUrls?: Record<string, RegExp[]>;
}

/**
 * `messages` for `streamText`, the system's in front, and the leave that it wants for these: its
 * own `instructions` stay as they are. A tool's call without a result, a file that no model can be
 * given and a message of which nothing is left are not among them.
 */
export async function toPrompt<M extends UIMessage>(
  messages: readonly M[],
  { supportedUrls = {}, ...conversion }: PromptOptions<M> = {},
): Promise<{ messages: ModelMessage[]; allowSystemInMessages: true }> {
  const now = messages.findLastIndex(({ role }) => role === "user");
  const sendable = messages.map((message, place) => ({
    ...message,
    parts: sendableParts(message.parts, place < now, supportedUrls),
  }));
  const options = { ignoreIncompleteToolCalls: true, ...conversion, ...safely(conversion) };
  const converted = (await convertToModelMessages<M>(sendable, options)).flatMap(unlessEmpty);
  const isSystem = ({ role }: ModelMessage) => role === "system";
  const said = converted.filter((message) => !isSystem(message));
  return { messages: [...converted.filter(isSystem), ...said], allowSystemInMessages: true };
}

/** Whether a message says nothing: an answer that failed, or was left, before its first word. */
export const isEmpty = ({ parts }: UIMessage): boolean =>
  parts.every((part) => part.type === "step-start" || ("text" in part && !part.text));

function sendableParts(
  parts: UIMessage["parts"],
  isPast: boolean,
  urls: Record<string, RegExp[]>,
): UIMessage["parts"] {
  return parts.flatMap((part) => {
    if (part.type === "steering-message") {
      return { ...part, parts: part.parts.filter((one) => isReachable(one, urls)) };
    }
    return isWholeCall(part, isPast) && isReachable(part, urls) ? part : [];
  });
}

/** Whether a part is no tool's call, or a call that names it and that waits for no approved run
 * which was passed over. */
function isWholeCall(part: Part, isPast: boolean): boolean {
  if (!isToolUIPart(part)) return true;
  return getToolName(part) !== "" && !(isPast && part.state === "approval-responded");
}

/** A data URL as the SDK takes it, its digits and what fills them up. */
const BASE64 = /^data:[^,;]+(?:;[^,;]*)*;base64,([\w+/-]+)(={0,2})$/i;

/** Whether a part is no file, or one that can be read for a model. */
function isReachable(part: Part, supportedUrls: Record<string, RegExp[]>): boolean {
  if (part.type !== "file" && part.type !== "reasoning-file") return true;
  const { url, mediaType } = part;
  if ("providerReference" in part && part.providerReference) return true;
  if (!URL.canParse(url)) return false;
  if (/^https?:$/.test(new URL(url).protocol)) return true;
  const [, digits = "", filling = ""] = BASE64.exec(url) ?? [];
  if (digits) return digits.length % 4 !== 1 && (digits + filling).length % (filling ? 4 : 1) === 0;
  return Object.entries(supportedUrls).some(([type, patterns]) => {
    return mediaType.startsWith(type.replace(/\*.*$/, "")) && patterns.some((one) => one.test(url));
  });
}

/** A message without its blank texts, unless nothing is left of it, or nothing but how an answer
 * that was not given was reasoned: providers refuse these. */
function unlessEmpty(message: ModelMessage): ModelMessage[] {
  const { role, content } = message;
  if (typeof content === "string") return content.trim() ? [message] : [];
  const isSaid = (part: (typeof content)[number]) => {
    if (part.type !== "text" || part.text.trim()) return true;
    return role === "assistant" && part.providerOptions !== undefined;
  };
  const said = content.filter(isSaid);
  const isAll = said.every(({ type }) => type.startsWith("reasoning"));
  return isAll ? [] : [{ ...message, content: said } as ModelMessage];
}
