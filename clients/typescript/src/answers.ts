// What an operation gives of its answer.
import { MissingTagError, problemError } from "./errors.ts";
import { isAfterLostAnswer } from "./sender.ts";
import type * as types from "./types.ts";

interface Answered<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

const tags = new WeakMap<object, string>();

/** The entity tag of a session or a message that a client gave, for `ifMatch`. Throws a
 * MissingTagError where it has none: it is of a list, or a proxy took the tag away. */
export function etagOf(given: types.Session | types.Message): string {
  const tag = tags.get(given);
  if (tag) return tag;
  throw new MissingTagError("It came without an entity tag: of a list, or through a proxy.");
}

/** The data of an answer. Throws the ProblemError of a refusal. */
export async function given<T>(answered: Promise<Answered<T>>): Promise<T> {
  const { data, error, response } = await answered;
  if (!response.ok) throw problemError(response, error, isAfterLostAnswer(response));
  const tag = response.headers.get("ETag");
  if (tag && typeof data === "object" && data) tags.set(data, tag);
  return data as T;
}

/** A page, and the response that has its links. */
export async function page<P>(
  answered: Promise<Answered<P>>,
): Promise<{ page: P; response: Response }> {
  return { page: await given(answered), response: (await answered).response };
}
