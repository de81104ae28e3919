// The service's operations, as a program calls them.
import createClient, { type Client as OpenApiClient } from "openapi-fetch";

import type { components, paths } from "./api.ts";
import {
  CutOffError,
  MessageNotFoundError,
  SessionExistsError,
  SessionNotFoundError,
} from "./errors.ts";
import { given, page } from "./answers.ts";
import { follow, type SessionEvent } from "./events.ts";
import { readLines } from "./lines.ts";
import { Pages, type Query } from "./pages.ts";
import { EXTERNAL, ifMatch, newKey, of } from "./parameters.ts";
import { importPieces, type Lines } from "./pieces.ts";
import { type CallOptions, type ClientOptions, Sender } from "./sender.ts";
import type * as types from "./types.ts";

type Schemas = components["schemas"];
type Session = types.Session;
type Message = types.Message;
type MessageRef = types.MessageRef;
type IfMatch = types.IfMatch;

const MESSAGE = "/sessions/{session_id}/messages/{message_order}";
const ORDER_MAX = 2 ** 31 - 1;
const IMPORT_TIMEOUT = 300_000;
const PIECE_CHARACTERS = 4_000_000;
const SESSION_CHARACTERS = 64 * 2 ** 20;

export class Client {
  /** The operations as openapi-fetch has them, with the same token, retries and time limits. */
  readonly api: OpenApiClient<paths>;
  readonly #sender: Sender;

  constructor(options: ClientOptions) {
    this.#sender = new Sender(options);
    const fetch = (request: Request) => this.#sender.send(request);
    this.api = createClient<paths>({ baseUrl: options.baseUrl, fetch });
  }

  async createSession(
    session: types.NewSession = {},
    options: types.CreateOptions = {},
  ): Promise<Session> {
    const params = { header: { "Idempotency-Key": options.idempotencyKey ?? newKey() } };
    const asked = this.api.POST("/sessions", { params, body: session, ...this.#with(options) });
    try {
      return await given("session", asked);
    } catch (error) {
      const isThere = error instanceof SessionExistsError && error.sessionId;
      if (options.existing !== "keep" || !isThere) throw error;
      return this.session(isThere, options);
    }
  }

  /** The caller's own sessions, by default those that are not archived, changed last first. */
  sessions(
    { metadata = {}, ...query }: types.SessionQuery = {},
    call: CallOptions = {},
  ): Pages<Session, Schemas["SessionPage"]> {
    const marks = Object.entries(metadata).map(([name, value]) => [
      `metadata.${name}`,
      JSON.stringify(value),
    ]);
    const ask = (asked: Query) =>
      page(this.api.GET("/sessions", { params: { query: asked }, ...this.#with(call) }));
    return new Pages(ask, { ...query, ...Object.fromEntries(marks) });
  }

  session(session: string, call: CallOptions = {}): Promise<Session> {
    const params = of(session);
    return given("session", this.api.GET("/sessions/{session_id}", { params, ...this.#with(call) }));
  }

  /** A merge patch: what is absent stays, null removes. */
  changeSession(
    session: string,
    changes: types.SessionChanges,
    options: IfMatch = {},
  ): Promise<Session> {
    const params = { ...of(session), ...ifMatch(options) };
    const init = { params, body: changes, ...this.#with(options) };
    return given("session", this.api.PATCH("/sessions/{session_id}", init));
  }

  async deleteSession(session: string, options: IfMatch = {}): Promise<void> {
    // Its id is looked up first: another try must not remove one made anew under the external id.
    const id = session.startsWith(EXTERNAL) ? (await this.session(session, options)).id : session;
    const params = { ...of(id), ...ifMatch(options) };
    const init = { params, ...this.#with(options) };
    await given("nothing", this.api.DELETE("/sessions/{session_id}", init));
  }

  /** Up to a hundred by their ids, or all. */
  deleteSessions(
    which: Schemas["SessionDeletions"],
    call: CallOptions = {},
  ): Promise<types.Deletions> {
    // What was made after a lost answer is not to be deleted by a second try.
    const sending = this.#with(call, { isOnce: Boolean(which.all) });
    return given("deletions", this.api.POST("/sessions/deletions", { body: which, ...sending }));
  }

  /** One to a hundred messages, stored all or none; with `format` items as a framework has them. */
  append(
    session: string,
    messages: types.NewMessage[],
    options?: types.AppendOptions,
  ): Promise<Message[]>;
  append(
    session: string,
    messages: types.Item[],
    options: types.AppendOptions & { format: string },
  ): Promise<Message[]>;
  async append(
    session: string,
    messages: types.NewMessage[] | types.Item[],
    options: types.AppendOptions & { format?: string } = {},
  ): Promise<Message[]> {
    const { create, existing, format, idempotencyKey = newKey() } = options;
    const query = { ...(create && { create: true }), ...(existing && { existing }) };
    const header = { "Idempotency-Key": idempotencyKey, ...ifMatch(options).header };
    const body = { ...(format && { format }), messages: messages as types.NewMessage[] };
    const init = { params: { ...of(session), query, header }, body, ...this.#with(options) };
    const post = () => given("list", this.api.POST("/sessions/{session_id}/messages", init));
    return (await this.#made(session, options, post)).items;
  }

  /** A session's messages, the oldest first unless `sort_order` is `desc`; with the view `body`
   * each as its framework has it. A walk is not disturbed by others that write. */
  messages(
    session: string,
    query?: types.MessageQuery,
    call?: CallOptions,
  ): Pages<Message, Schemas["MessagePage"]>;
  messages(
    session: string,
    query: Omit<types.MessageQuery, "view"> & { view: "body" },
    call?: CallOptions,
  ): Pages<types.Item, { items: types.Item[]; pagination: Schemas["Pagination"] }>;
  messages(session: string, query: Query = {}, call: CallOptions = {}): unknown {
    const { wait = 0 } = query as types.MessageQuery;
    const sending = this.#with({ ...call, timeout: call.timeout ?? 30_000 + 1000 * wait });
    const ask = (asked: Query) => {
      const params = { ...of(session), query: asked };
      return page(this.api.GET("/sessions/{session_id}/messages", { params, ...sending }));
    };
    const hasPlace = ["offset", "after", "before", "around"].some((name) => name in query);
    const place = query["sort_order"] === "desc" ? { before: ORDER_MAX } : { after: 0 };
    return new Pages(ask, hasPlace ? query : { ...query, ...place });
  }

  message(session: string, message: MessageRef, call: CallOptions = {}): Promise<Message> {
    const init = { params: of(session, message), ...this.#with(call) };
    return given("message", this.api.GET(MESSAGE, init));
  }

  /** Replace a message; under an external id that the session does not have, append it. */
  async putMessage(
    session: string,
    message: MessageRef,
    replacement: types.MessageReplacement,
    options: types.PutOptions = {},
  ): Promise<Message> {
    const last = message === "last" ? await this.message(session, "last", options) : undefined;
    const params = { ...(last ? placeOf(last) : of(session, message)), ...ifMatch(options) };
    const init = { params, body: replacement, ...this.#with(options) };
    const put = () => given("message", this.api.PUT(MESSAGE, init));
    return this.#made(session, options, put);
  }

  /** Remove a message, and give it; null where a try whose answer was lost removed it by its order. */
  async deleteMessage(
    session: string,
    message: MessageRef,
    options: IfMatch = {},
  ): Promise<Message | null> {
    // Its place is looked up first, which no other message ever has: another try must not remove
    // the message before it, or one made anew under the external id.
    const isPlace = /^\d+$/.test(`${message}`) && !session.startsWith(EXTERNAL);
    const found = isPlace ? null : await this.message(session, message, options);
    const params = { ...(found ? placeOf(found) : of(session, message)), ...ifMatch(options) };
    const asked = given("removed", this.api.DELETE(MESSAGE, { params, ...this.#with(options) }));
    const isLast = message === "last";
    return (await asked.catch((error: unknown) => unlessGone(error, isLast))) ?? found;
  }

  /** Remove all messages, or those before an order. The session stays. */
  async clearMessages(
    session: string,
    { before, ...options }: IfMatch & { before?: number | undefined } = {},
  ): Promise<void> {
    const last = await this.#last(session, options);
    if (!last) return;
    // What is said later, or in a session made anew, is not for another try to remove.
    const end = last.message_order + 1;
    const query = { before: before === undefined ? end : Math.min(before, end) };
    const params = { ...of(last.session_id), ...ifMatch(options), query };
    const init = { params, ...this.#with(options) };
    await given("nothing", this.api.DELETE("/sessions/{session_id}/messages", init));
  }

  async #last(session: string, call: CallOptions): Promise<Message | undefined> {
    try {
      return await this.message(session, "last", call);
    } catch (error) {
      if (error instanceof MessageNotFoundError) return undefined;
      throw error;
    }
  }

  /** Find what has every word, the newest first. */
  search(
    q: string,
    query: types.SearchQuery = {},
    call: CallOptions = {},
  ): Pages<types.SearchHit, Schemas["SearchPageResponse"]> {
    const ask = (asked: Query) => {
      const params = { query: { q, ...asked } };
      return page(this.api.GET("/search", { params, ...this.#with(call) }));
    };
    return new Pages(ask, query);
  }

  /** Follow a session from the message after an order on, or from now on. Ends by the signal, or
   * by leaving the loop; throws when the session cannot be read any more. */
  events(
    session: string,
    { after, ...call }: CallOptions & { after?: number } = {},
  ): AsyncGenerator<SessionEvent> {
    const connect = async (last: string | undefined) => {
      const header = last === undefined ? {} : { "Last-Event-ID": last };
      const init = { params: { ...of(session), header }, parseAs: "stream" as const };
      const sending = this.#with(call, { isStream: true });
      const path = "/sessions/{session_id}/events";
      return (await given("events", this.api.GET(path, { ...init, ...sending }))) as Stream;
    };
    return follow(connect, after, call.signal);
  }

  /** The lines of an export, of all sessions or of one: what `importLines` takes. Throws
   * CutOffError where the last of them did not come. */
  async *export({ session, ...call }: CallOptions & { session?: string } = {}) {
    const query = session === undefined ? {} : { session_id: session };
    const sending = this.#with(call, { isStream: true });
    const init = { params: { query }, parseAs: "stream" as const, ...sending };
    const stream = (await given("lines", this.api.GET("/export", init))) as unknown as Stream;
    let last = "";
    const { timeout = 30_000, signal } = call;
    for await (const line of readLines(stream, timeout, signal)) yield (last = line);
    signal?.throwIfAborted();
    if (!last.startsWith('{"type":"footer"')) throw new CutOffError("The export was cut off.");
  }

  /** Bring an export in, `pieceCharacters` or one session a request, and say what became of each
   * session. What is there already is kept, so that an import can be repeated; a session that is too
   * large is told as refused. */
  importLines(lines: Lines, options: types.ImportOptions = {}): AsyncGenerator<types.ImportedSession> {
    const { pieceCharacters = PIECE_CHARACTERS, sessionCharacters = SESSION_CHARACTERS } = options;
    const call = { ...options, timeout: options.timeout ?? IMPORT_TIMEOUT };
    const headers = { "Content-Type": "application/x-ndjson" };
    const bodySerializer = (text: string) => text;
    const more = { bodySerializer, headers, parseAs: "text" as const };
    const send = (body: string, isOnce: boolean) =>
      given("lines", this.api.POST("/import", { body, ...more, ...this.#with(call, { isOnce }) }));
    return importPieces(lines, { piece: pieceCharacters, session: sessionCharacters }, send);
  }

  /** Write to a session; where there is none, make it, which tells what is wrong with its id. */
  async #made<T>(session: string, options: types.PutOptions, write: () => Promise<T>): Promise<T> {
    const { create, signal, timeout, headers } = options;
    try {
      return await write();
    } catch (error) {
      const isToMake = create && session.startsWith(EXTERNAL);
      if (!isToMake || !(error instanceof SessionNotFoundError)) throw error;
    }
    const external_id = session.slice(EXTERNAL.length);
    await this.createSession({ external_id }, { signal, timeout, headers, existing: "keep" });
    return write();
  }

  #with(call: CallOptions, more: { isStream?: boolean; isOnce?: boolean } = {}) {
    const { signal, timeout, headers } = call;
    const sending = { signal, timeout, headers, ...more };
    return { fetch: (request: Request) => this.#sender.send(request, sending) };
  }
}

type Stream = ReadableStream<Uint8Array>;

const placeOf = ({ session_id, message_order }: Message) => of(session_id, message_order);

/** Some runtimes send a request again by themselves: what was there a moment ago was removed. */
function unlessGone(error: unknown, wasThere: boolean): null {
  if (wasThere && error instanceof MessageNotFoundError) return null;
  throw error;
}
