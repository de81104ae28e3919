// A stored message of the AI SDK, with what assistant-ui's runtime for these cannot do without.
import { FILE_TYPE, isObject, type Kinds, mendedParts, orText } from "./mended-parts.ts";
import type { Said } from "./others.ts";
import type { Item } from "./types.ts";

const FILE = { url: "", mediaType: FILE_TYPE };
const CALL = { toolCallId: "", state: "output-available" };
const PARTS: Kinds = {
  file: FILE,
  reasoning: { text: "" },
  "reasoning-file": FILE,
  "source-url": { sourceId: "", url: "" },
  "source-document": { sourceId: "", title: "", mediaType: FILE_TYPE },
  custom: { kind: "" },
  "dynamic-tool": { toolName: "", ...CALL },
  "tool-": CALL,
};
/** The runtime throws away a whole history in which a user's message has other parts. */
const USERS = /^(text|file|step-start|data-.*)$/s;
const LISTS = ["steps", "unstable_annotations", "unstable_data"];

export function mendedUIMessage(body: Item, { role, text }: Said): Item {
  const given = body["parts"];
  const all = mendedParts(given, PARTS);
  const left = role === "user" ? all.filter(({ type }) => USERS.test(`${type}`)) : all;
  const parts = role === "system" ? oneText(left, text) : orText(left, given, text);
  const { metadata, ...others } = body;
  const mended = { ...others, role, parts };
  return "metadata" in body ? { ...mended, metadata: mendedMetadata(metadata, role) } : mended;
}

/** What a system's message must be. */
function oneText(parts: Item[], text: string): Item[] {
  const texts = parts.filter(({ type }) => type === "text");
  if (texts.length === 1) return texts;
  const whole = texts.map((part) => part["text"]).join("");
  return [{ type: "text", text: whole || text }];
}

function mendedMetadata(metadata: unknown, role: string): unknown {
  if (!isObject(metadata)) return metadata;
  const isKnown = ([name, value]: [string, unknown]) => {
    if (name === "custom") return isObject(value);
    if (!LISTS.includes(name)) return true;
    return Array.isArray(value) && (name !== "steps" || role === "assistant");
  };
  return Object.fromEntries(Object.entries(metadata).filter(isKnown));
}
