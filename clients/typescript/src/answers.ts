// What an operation gives of its answer.
import { MissingTagError, problemError, UnexpectedAnswerError } from "./errors.ts";
import { isAfterLostAnswer } from "./sender.ts";
import type * as types from "./types.ts";

interface Answered<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

const tags = new WeakMap<object, string>();

export const tagOf = (given: types.Session | types.Message): string | undefined => tags.get(given);

/** The entity tag of a session or a message that a client gave, for `ifMatch`. Throws a
 * MissingTagError where it has none: it is of a list, or a proxy took the tag away. */
export function etagOf(given: types.Session | types.Message): string {
  const tag = tagOf(given);
  if (tag) return tag;
  throw new MissingTagError("It came without an entity tag: of a list, or through a proxy.");
}

type Data = Record<string, unknown> | null | undefined;
type Check = (data: Data, response: Response) => boolean;

const isMessage: Check = (data) =>
  typeof data?.["session_id"] === "string" && Number.isInteger(data["message_order"]);
const isList: Check = (data) => Array.isArray(data?.["items"]);
const isNothing: Check = (_, { status }) => status === 204;
const isOf = (type: string): Check => {
  return (data, { headers }) => data != null && !!headers.get("Content-Type")?.startsWith(type);
};

/** How each kind of answer is known to be the service's. */
const KINDS = {
  session: (data) => typeof data?.["id"] === "string",
  message: isMessage,
  removed: (data, response) => isMessage(data, response) || isNothing(data, response),
  list: isList,
  page: (data, response) => isList(data, response) && Boolean(data?.["pagination"]),
  deletions: (data) => Number.isInteger(data?.["sessions"]),
  nothing: isNothing,
  events: isOf("text/event-stream"),
  lines: isOf("application/x-ndjson"),
} satisfies Record<string, Check>;

/** The data of an answer. Throws the ProblemError of a refusal, and an UnexpectedAnswerError where
 * it is not of the kind that the service gives. */
export async function given<T>(
  kind: keyof typeof KINDS,
  answered: Promise<Answered<T>>,
): Promise<T> {
  const { data, error, response } = await answered.catch(unlessNoJson);
  if (response.status >= 400) throw problemError(response, error, isAfterLostAnswer(response));
  const check: Check = KINDS[kind];
  if (!check(data as Data, response)) throw unexpected(response);
  const tag = response.headers.get("ETag");
  if (tag && typeof data === "object" && data) tags.set(data, tag);
  return data as T;
}

/** A page, and the response that has its links. */
export async function page<P>(
  answered: Promise<Answered<P>>,
): Promise<{ page: P; response: Response }> {
  return { page: await given("page", answered), response: (await answered).response };
}

function unlessNoJson(error: unknown): never {
  if (!(error instanceof SyntaxError)) throw error;
  throw new UnexpectedAnswerError("What answered is not the service: no JSON.", { cause: error });
}

function unexpected({ status, headers }: Response): UnexpectedAnswerError {
  const what = `${status}, ${headers.get("Content-Type") ?? "no Content-Type"}`;
  return new UnexpectedAnswerError(`What answered is not the service: ${what}.`);
}
