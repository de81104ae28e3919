// A request on its way: with a token, in time, and again where that is safe.
import { ConnectionFailedError, retryAfter, URN } from "./errors.ts";

export type Token = string | (() => string | Promise<string>);
export type Headers_ = Record<string, string>;

export interface ClientOptions {
  /** Where the service is, such as `https://chat.example`. */
  baseUrl: string;
  /** A bearer token, or what gives one: called for each request, and once more after a 401. */
  token: Token;
  /** Headers of every request, such as `traceparent`, or what gives them anew for each. */
  headers?: Headers_ | (() => Headers_ | Promise<Headers_>);
  /** Milliseconds that one try may take, 30,000 unless set. */
  timeout?: number;
  /** How often a request is sent again at most, 7 unless set: over some ten seconds. */
  retries?: number;
  fetch?: typeof fetch;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
  timeout?: number | undefined;
  headers?: Headers_ | undefined;
}

interface Sending extends CallOptions {
  /** The answer's body is read by the caller, as it comes. */
  isStream?: boolean;
  /** Not to be sent again after an answer was lost. */
  isOnce?: boolean;
}

const TIMEOUT = 30_000;
const RETRIES = 7;
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 4_000;
const LONGEST_RETRY_AFTER = 60;

/** Statuses of the service, and those with which a proxy says that it got no answer from it. */
const RETRIED = new Set([429, 502, 503, 504]);

/** The types of problem that say that what was to be removed is not there. */
const GONE = new Set([`${URN}session-not-found`, `${URN}message-not-found`]);

/** Responses whose request had an answer lost before. */
const afterLostAnswer = new WeakSet<Response>();

export const isAfterLostAnswer = (response: Response): boolean => afterLostAnswer.has(response);

export class Sender {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /**
   * Send a request until it is answered. Transport errors, 429 and 503 are tried again, after
   * pauses that grow and as long as `Retry-After` says; nothing else is. The response of a DELETE
   * that was carried out by a try whose answer was lost is 204.
   */
  async send(request: Request, sending: Sending = {}): Promise<Response> {
    const { retries = RETRIES } = this.#options;
    const body = /^(GET|HEAD|DELETE)$/.test(request.method) ? null : await request.arrayBuffer();
    let lost = false;
    let renewed = false;
    for (let failures = 0; ; failures++) {
      const headers = await this.#headers(request, sending);
      let wait = 0;
      try {
        const response = await this.#try(request, { headers, body }, sending);
        if (response.status === 401 && typeof this.#options.token === "function" && !renewed) {
          renewed = true;
          failures--;
          continue;
        }
        if (lost && request.method === "DELETE" && (await isGone(response))) {
          return new Response(null, { status: 204 });
        }
        if (lost) afterLostAnswer.add(response);
        if (!RETRIED.has(response.status) || failures >= retries) return response;
        wait = retryAfter(response) ?? 0;
        const mayBeDone = response.status !== 429;
        if (wait > LONGEST_RETRY_AFTER || (mayBeDone && sending.isOnce)) return response;
        lost ||= mayBeDone;
        if (sending.isStream) await response.body?.cancel();
      } catch (error) {
        sending.signal?.throwIfAborted();
        if (failures >= retries || sending.isOnce) {
          throw new ConnectionFailedError(`No answer came from ${request.url}`, { cause: error });
        }
        lost = true;
      }
      await pause(Math.max(wait * 1000, backOff(failures)), sending.signal);
    }
  }

  async #headers(request: Request, { headers }: CallOptions): Promise<Headers> {
    const { token, headers: own } = this.#options;
    const sent = new Headers(typeof own === "function" ? await own() : own);
    request.headers.forEach((value, name) => sent.set(name, value));
    for (const [name, value] of Object.entries(headers ?? {})) sent.set(name, value);
    sent.set("Authorization", `Bearer ${typeof token === "function" ? await token() : token}`);
    return sent;
  }

  /** One try. Its answer is read to the end, unless that is a stream. */
  async #try(request: Request, init: RequestInit, sending: Sending): Promise<Response> {
    const { fetch = globalThis.fetch, timeout = TIMEOUT } = this.#options;
    const clock = new AbortController();
    const bound = sending.timeout ?? timeout;
    const late = new DOMException(`No answer in ${bound} ms`, "TimeoutError");
    const timer = setTimeout(() => clock.abort(late), bound);
    const signals = sending.signal ? [sending.signal, clock.signal] : [clock.signal];
    const signal = AbortSignal.any(signals);
    const { method, url } = request;
    // On a connection for one request, Bun does not send it again by itself.
    const isAlone = method === "DELETE" || sending.isOnce;
    try {
      const more = { credentials: "omit", ...(isAlone && { keepalive: false }) } as const;
      const response = await fetch(url, { ...init, ...more, method, signal });
      if ((sending.isStream && response.ok) || response.body === null) return response;
      const { status, statusText, headers } = response;
      const body = await response.arrayBuffer();
      const isEmpty = [204, 205, 304].includes(status);
      return new Response(isEmpty ? null : body, { status, statusText, headers });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Whether the service says that it is not there: a proxy's 404 says nothing of it. */
async function isGone(response: Response): Promise<boolean> {
  if (response.status !== 404) return false;
  const problem = await response.clone().json().catch(() => null);
  return GONE.has(problem?.type);
}

/** Milliseconds before the next try: twice as many each time, less up to a half by chance. */
export function backOff(failures: number, longest: number = LONGEST_PAUSE): number {
  return Math.min(FIRST_PAUSE * 2 ** failures, longest) * (1 - Math.random() / 2);
}

export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}
