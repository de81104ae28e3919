// What assistant-ui's runtimes cannot do without in a stored message. What they do not know, such
// as a part of a newer kind, is theirs to judge.
import type { Item } from "./types.ts";

type Check = (value: unknown) => boolean;
type Kinds = Record<string, Check>;

const isText: Check = (value) => typeof value === "string";
const isObject = (value: unknown): value is Item =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isListOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const orNothing =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

/** An object whose named members pass their checks. */
const having =
  (members: Record<string, Check>): Check =>
  (value) =>
    isObject(value) && Object.entries(members).every(([name, check]) => check(value[name]));

/** An object of a kind: of one that is known, with what that has. */
const ofKind =
  (kinds: Kinds, isOther: Check): Check =>
  (value) => {
    if (!isObject(value) || typeof value["type"] !== "string") return false;
    const kind = value["type"];
    return Object.hasOwn(kinds, kind) ? kinds[kind]!(value) : isOther(value);
  };
const any: Check = () => true;
const none: Check = () => false;

const PARTS: Kinds = {
  text: having({ text: isText }),
  reasoning: (part) => ["text", "unstable_summary"].some((name) => isText((part as Item)[name])),
  image: having({ image: isText }),
  file: having({ data: isText, mimeType: isText }),
  audio: having({ audio: having({ data: isText, format: isText }) }),
  data: having({ name: isText }),
  source: having({ id: isText, sourceType: isText }),
  "generative-ui": having({ spec: isObject }),
  "tool-call": having({ toolCallId: isText, toolName: isText, args: isObject, argsText: isText }),
};
const CONTENT = isListOf(ofKind(PARTS, any));
const STATUSES = ["running", "requires-action", "complete", "incomplete"];
const STATUS = ofKind(Object.fromEntries(STATUSES.map((type) => [type, any])), none);
const METADATA = having({ custom: isObject, steps: orNothing(Array.isArray) });
const ATTACHMENTS = isListOf(having({ id: isText, type: isText, name: isText, content: CONTENT }));
const isDate: Check = (value) => !Number.isNaN(Date.parse(`${value}`));
const said = { content: CONTENT, createdAt: isDate, metadata: METADATA };

const THREAD_MESSAGES: Record<string, Check> = {
  user: having({ ...said, attachments: ATTACHMENTS }),
  assistant: having({ ...said, status: STATUS }),
  system: having(said),
};

const UI_PARTS: Kinds = {
  text: having({ text: isText }),
  file: having({ url: isText, mediaType: isText }),
};
const TOOL = having({ toolCallId: isText, state: isText });
const UI_ANSWER_PARTS: Kinds = {
  ...UI_PARTS,
  reasoning: having({ text: isText }),
  "reasoning-file": having({ url: isText, mediaType: isText }),
  "source-url": having({ sourceId: isText, url: isText }),
  "source-document": having({ sourceId: isText, title: isText, mediaType: isText }),
  custom: having({ kind: isText }),
  "dynamic-tool": having({ toolName: isText, toolCallId: isText, state: isText }),
};
const typeOf = (part: unknown) => `${(part as Item)["type"]}`;
/** Its runtime throws away a whole history in which a user's message has other parts. */
const isUsers: Check = (part) => /^data-|^step-start$/.test(typeOf(part));
const isAnswers: Check = (part) => !typeOf(part).startsWith("tool-") || TOOL(part);
const isOnlyText = ofKind({ text: having({ text: isText }) }, none);
const LISTS = ["steps", "unstable_annotations", "unstable_data"];
const UI_METADATA: Check = (value) =>
  !isObject(value) ||
  (orNothing(isObject)(value["custom"]) &&
    LISTS.every((name) => orNothing(Array.isArray)(value[name])));
const usersMetadata: Check = (value) =>
  UI_METADATA(value) && !(isObject(value) && value["steps"] !== undefined);

const UI_MESSAGES: Record<string, Check> = {
  user: having({ parts: isListOf(ofKind(UI_PARTS, isUsers)), metadata: usersMetadata }),
  assistant: having({ parts: isListOf(ofKind(UI_ANSWER_PARTS, isAnswers)), metadata: UI_METADATA }),
  system: having({
    parts: (parts) => isListOf(isOnlyText)(parts) && (parts as Item[]).length === 1,
    metadata: usersMetadata,
  }),
};

const isWholeOf =
  (messages: Record<string, Check>) =>
  (body: Item): boolean => {
    const { role } = body;
    return typeof role === "string" && Object.hasOwn(messages, role) && messages[role]!(body);
  };

export const isWholeThreadMessage = isWholeOf(THREAD_MESSAGES);
export const isWholeUIMessage = isWholeOf(UI_MESSAGES);
