// Messages of other clients, as a store for a framework shows them: by their text.
import { external } from "./parameters.ts";
import type { Message, MessageRef } from "./types.ts";

const ORDER = "message_order:";

export interface Said {
  role: "system" | "user" | "assistant";
  text: string;
}

/** What somebody said; nothing where it is a tool's, or without text. */
export function saidOf({ role, content }: Message): Said | undefined {
  if (role === "tool" || !content) return undefined;
  return { role: role === "developer" ? "system" : role, text: content };
}

/** A message's own id, or else one that says which it is. */
export const idOf = ({ external_id, message_order }: Message): string =>
  external_id ?? `${ORDER}${message_order}`;

/** Whether this is the id of a message that has none of its own. */
export const isPlace = (id: string): boolean => /^message_order:[1-9]\d{0,9}$/.test(id);

/** The message that has this id. */
export const refOf = (id: string): MessageRef =>
  isPlace(id) ? Number(id.slice(ORDER.length)) : external(id);
