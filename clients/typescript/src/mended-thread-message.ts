// A stored message of assistant-ui's own form, with what a thread cannot do without.
import {
  asList,
  FILE_TYPE,
  isObject,
  type Kinds,
  mendedParts,
  orText,
  supplied,
} from "./mended-parts.ts";
import type { Said } from "./others.ts";
import type { Item } from "./types.ts";

const PARTS: Kinds = {
  reasoning: { text: "" },
  image: { image: "" },
  file: { data: "", mimeType: FILE_TYPE },
  audio: { audio: { data: "", format: "" } },
  data: { name: "" },
  source: { id: "", sourceType: "url" },
  "tool-call": { toolCallId: "", toolName: "" },
};
const STATUS = { type: "complete", reason: "unknown" };
const LISTS = { steps: [], unstable_annotations: [], unstable_data: [] };

export function mendedThreadMessage(body: Item, said: Said, timestamp: string): Item {
  const { content, createdAt, status } = body;
  const { role, text } = said;
  return {
    ...body,
    role,
    content: orText(parts(content), content, text),
    createdAt: Number.isNaN(Date.parse(`${createdAt}`)) ? timestamp : createdAt,
    metadata: metadata(body["metadata"], role),
    ...(role === "assistant" && { status: isTyped(status) ? status : STATUS }),
    ...(role === "user" && { attachments: attachments(body["attachments"]) }),
  };
}

const isTyped = (value: unknown) => isObject(value) && typeof value["type"] === "string";

function parts(given: unknown): Item[] {
  return mendedParts(given, PARTS).map((part) => {
    if (part["type"] !== "tool-call") return part;
    const { args = {} } = part;
    return supplied({ ...part, args }, { argsText: JSON.stringify(args) });
  });
}

function metadata(given: unknown, role: string): Item {
  if (!isObject(given)) {
    return { custom: {}, ...(role === "assistant" && { unstable_state: null, ...LISTS }) };
  }
  const lists = Object.entries(LISTS).filter(([name]) => name in given);
  return supplied(given, { custom: {}, ...Object.fromEntries(lists) });
}

/** Each under an id of its own, by which a runtime knows it. */
function attachments(given: unknown): Item[] {
  const seen = new Set<unknown>();
  return asList(given).filter(isObject).map((attachment, place) => {
    const item = supplied(attachment, { id: `attachment-${place}`, type: "document", name: "" });
    const id = seen.has(item["id"]) ? `${item["id"]}-${place}` : item["id"];
    seen.add(id);
    return { ...item, id, content: parts(item["content"]) };
  });
}
