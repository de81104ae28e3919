// What happens in a session, followed through lost connections (WHATWG HTML, "Server-sent events").
import type { components } from "./api.ts";
import { ConnectionFailedError, RateLimitedError, UnavailableError } from "./errors.ts";
import { readLines } from "./lines.ts";
import { backOff, pause } from "./sender.ts";

type Message = components["schemas"]["MessageResponse"];
type Session = components["schemas"]["SessionResponse"];

export type SessionEvent =
  | { event: "message"; data: Message }
  | { event: "replaced"; data: Message }
  | { event: "removed"; data: { message_order: number } | { before: number } }
  | { event: "session"; data: Session };

const KINDS = new Set(["message", "replaced", "removed", "session"]);

/** A comment comes every 15 seconds; without one for so long the connection is dead. */
const SILENCE = 40_000;
const LONGEST_PAUSE = 30_000;
const RETRY = 1_000;

type Connect = (lastEventId: string | undefined) => Promise<ReadableStream<Uint8Array>>;

/** Each message once and in order. The first connection must succeed; later ones are tried for as
 * long as the session can be read. */
export async function* follow(
  connect: Connect,
  after: number | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<SessionEvent> {
  let last = after === undefined ? undefined : String(after);
  let stream: ReadableStream<Uint8Array> | undefined = await connect(last);
  let retry = RETRY;
  let failures = 0;
  for (;;) {
    for await (const fields of stream ? blocks(stream, signal) : []) {
      failures = 0;
      retry = Number(fields.get("retry") ?? retry);
      const id = fields.get("id");
      const event = fields.get("event") ?? "";
      if (event === "message" && Number(id) <= Number(last)) continue;
      last = id ?? last;
      if (KINDS.has(event)) {
        yield { event, data: JSON.parse(fields.get("data") ?? "null") } as SessionEvent;
      }
    }
    signal?.throwIfAborted();
    await pause(retry + backOff(failures, LONGEST_PAUSE), signal);
    stream = await connect(last).catch(unlessAway);
    failures++;
  }
}

/** The service is away for now; any other refusal is for the caller. */
function unlessAway(error: unknown): undefined {
  const kinds = [ConnectionFailedError, UnavailableError, RateLimitedError];
  if (!kinds.some((kind) => error instanceof kind)) throw error;
}

async function* blocks(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Map<string, string>> {
  let fields = new Map<string, string>();
  for await (const line of readLines(stream, SILENCE, signal)) {
    if (line === "") {
      yield fields;
      fields = new Map();
    } else {
      const [, name = "", value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
      fields.set(name, value);
    }
  }
}
