// What operations are asked with.
import type * as types from "./types.ts";

export const EXTERNAL = "ext:";

/** A reference to the session or the message that has this external id. One with a lone surrogate,
 * which no URL can hold, is the id of none. */
export const external = (id: string): string => EXTERNAL + (/\p{Surrogate}/u.test(id) ? "" : id);

export function of(session_id: string): { path: { session_id: string } };
export function of(
  session_id: string,
  message: types.MessageRef,
): { path: { session_id: string; message_order: string } };
export function of(session_id: string, message?: types.MessageRef) {
  return { path: { session_id, ...(message !== undefined && { message_order: `${message}` }) } };
}

/** Throws a TypeError where the tag is none, such as null, with which the write would be
 * unconditional. */
export function ifMatch({ ifMatch: tag }: types.IfMatch): { header: { "If-Match"?: string } } {
  if (tag === undefined) return { header: {} };
  if (typeof tag !== "string" || !tag.trim()) throw new TypeError("This is no entity tag.");
  return { header: { "If-Match": tag } };
}

/** Sixteen random bytes: `crypto.randomUUID` is not there in pages of plain http. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
