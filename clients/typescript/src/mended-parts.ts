// Parts of stored messages with what assistant-ui's runtimes cannot do without: what is missing is
// supplied, and a part that would stop them is left out alone. What they do not know, such as a
// part of a newer kind, is theirs to judge.
import type { Item } from "./types.ts";

/** What a part of each kind has at least. */
export type Kinds = Record<string, Item>;

export const FILE_TYPE = "application/octet-stream";
const IDS = new Set(["id", "toolCallId", "sourceId"]);

export const isObject = (value: unknown): value is Item =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** An object with each of these members, where it has none of that type. */
export function supplied(given: Item, wanted: Item): Item {
  const missing = Object.entries(wanted).filter(([name, like]) => !isLike(given[name], like));
  return missing.length ? { ...given, ...Object.fromEntries(missing) } : given;
}

function isLike(value: unknown, wanted: unknown): boolean {
  if (isObject(wanted)) return isObject(value);
  return Array.isArray(wanted) ? Array.isArray(value) : typeof value === typeof wanted;
}

/** The parts that are objects of a type, and texts that have one, with what such a part has. */
export function mendedParts(given: unknown, kinds: Kinds): Item[] {
  return asList(given).flatMap((part, place): Item[] => {
    if (!isObject(part) || typeof part["type"] !== "string") return [];
    if (part["type"] === "text" && typeof part["text"] !== "string") return [];
    const kind = part["type"].replace(/^tool-(?!call$).*$/, "tool-");
    const wanted = Object.entries(Object.hasOwn(kinds, kind) ? kinds[kind]! : {});
    const named = wanted.map(([name, like]) => [name, IDS.has(name) ? `${name}-${place}` : like]);
    return [supplied(part, Object.fromEntries(named))];
  });
}

/** What is left of the parts that were given, or else what somebody said. */
export function orText(left: Item[], given: unknown, text: string): Item[] {
  const isEmpty = Array.isArray(given) && !given.length;
  const said = text || (typeof given === "string" ? given : "");
  return left.length || isEmpty || !said ? left : [{ type: "text", text: said }];
}
