// What goes wrong, as classes: one for each type of problem in the service's catalogue (RFC 9457),
// below the class of its status, which also stands for types that this version does not know.
//
//   ChatSessionsError
//   ├── ConnectionFailedError   no answer came, after every retry
//   ├── CutOffError             an export ended before its footer
//   ├── MissingTagError         what has no entity tag was asked for one
//   ├── UnexpectedAnswerError   what came is none of this API's
//   └── ProblemError            the service refused
import type { components } from "./api.ts";

export type Violation = components["schemas"]["Violation"];

type Refusal = Partial<
  components["schemas"]["ProblemResponse"] &
    Pick<components["schemas"]["ConflictResponse"], "errors" | "session_id" | "message_order">
>;

export class ChatSessionsError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

export class ConnectionFailedError extends ChatSessionsError {}
export class CutOffError extends ChatSessionsError {}
export class MissingTagError extends ChatSessionsError {}
export class UnexpectedAnswerError extends ChatSessionsError {}

export class ProblemError extends ChatSessionsError {
  readonly status: number;
  /** The URN of the problem's type, or `about:blank`. */
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  /** The places that break a rule; empty for most problems. */
  readonly errors: readonly Violation[];
  readonly requestId: string | undefined;
  /** Seconds to wait before another try, where the service says so. */
  readonly retryAfter: number | undefined;
  /** An answer to the same request was lost before: it may have been carried out. */
  readonly afterLostAnswer: boolean;
  /** The session that has the external id already (409). */
  readonly sessionId: string | undefined;
  /** The message that has the external id already (409). */
  readonly messageOrder: number | undefined;

  constructor(response: Response, refusal: Refusal, afterLostAnswer = false) {
    const title = refusal.title ?? response.statusText;
    const detail = refusal.detail ?? `The answer has the status ${response.status}.`;
    const errors = refusal.errors ?? [];
    super([detail, ...errors.map(inWords)].join(" "));
    this.status = response.status;
    this.type = refusal.type ?? "about:blank";
    this.title = title;
    this.detail = detail;
    this.errors = errors;
    this.requestId = refusal.request_id ?? response.headers.get("X-Request-ID") ?? undefined;
    this.retryAfter = retryAfter(response);
    this.afterLostAnswer = afterLostAnswer;
    this.sessionId = refusal.session_id;
    this.messageOrder = refusal.message_order;
  }
}

export class BadRequestError extends ProblemError {}
export class NotJsonError extends BadRequestError {}
export class RepeatedHeaderError extends BadRequestError {}
export class TwoLengthsError extends BadRequestError {}
export class NotAnEntityTagError extends BadRequestError {}
export class NotHttpError extends BadRequestError {}
export class UnauthorizedError extends ProblemError {}
export class ForbiddenError extends ProblemError {}
export class SessionForbiddenError extends ForbiddenError {}
export class InsufficientScopeError extends ForbiddenError {}
export class NotFoundError extends ProblemError {}
export class SessionNotFoundError extends NotFoundError {}
export class MessageNotFoundError extends NotFoundError {}
export class RouteNotFoundError extends NotFoundError {}
export class MethodNotAllowedError extends ProblemError {}
export class RequestTimeoutError extends ProblemError {}
export class ConflictError extends ProblemError {}
export class SessionExistsError extends ConflictError {}
export class MessageExistsError extends ConflictError {}
export class VersionMismatchError extends ProblemError {}
export class BodyTooLargeError extends ProblemError {}
export class UnknownHostError extends ProblemError {}
export class InvalidInputError extends ProblemError {}
export class RateLimitedError extends ProblemError {}
export class TooManyFollowersError extends RateLimitedError {}
export class HeadTooLargeError extends ProblemError {}
export class ServerError extends ProblemError {}
export class InternalError extends ServerError {}
export class UnavailableError extends ServerError {}

export const URN = "urn:problem-type:chat-sessions:";

const BY_TYPE: Record<string, typeof ProblemError> = {
  "not-json": NotJsonError,
  "repeated-header": RepeatedHeaderError,
  "two-lengths": TwoLengthsError,
  "not-an-entity-tag": NotAnEntityTagError,
  "not-http": NotHttpError,
  unauthorized: UnauthorizedError,
  "session-forbidden": SessionForbiddenError,
  "insufficient-scope": InsufficientScopeError,
  "session-not-found": SessionNotFoundError,
  "message-not-found": MessageNotFoundError,
  "route-not-found": RouteNotFoundError,
  "method-not-allowed": MethodNotAllowedError,
  "request-timeout": RequestTimeoutError,
  "session-exists": SessionExistsError,
  "message-exists": MessageExistsError,
  "version-mismatch": VersionMismatchError,
  "body-too-large": BodyTooLargeError,
  "unknown-host": UnknownHostError,
  "invalid-input": InvalidInputError,
  "rate-limited": RateLimitedError,
  "too-many-followers": TooManyFollowersError,
  "head-too-large": HeadTooLargeError,
  "internal-error": InternalError,
  unavailable: UnavailableError,
};

const BY_STATUS: Record<number, typeof ProblemError> = {
  400: BadRequestError,
  401: UnauthorizedError,
  403: ForbiddenError,
  404: NotFoundError,
  409: ConflictError,
  412: VersionMismatchError,
  413: BodyTooLargeError,
  422: InvalidInputError,
  429: RateLimitedError,
  503: UnavailableError,
};

/** Make the error of a response of 400 or above, whose body may be a problem or anything else. */
export function problemError(response: Response, body: unknown, lost = false): ProblemError {
  const refusal = asDescribed(body);
  const kind = refusal.type?.startsWith(URN) ? refusal.type.slice(URN.length) : "";
  const ofStatus = response.status >= 500 ? ServerError : ProblemError;
  const Class = BY_TYPE[kind] ?? BY_STATUS[response.status] ?? ofStatus;
  return new Class(response, refusal, lost);
}

/** What has the shape that the API gives it: a gateway's problem may have any. */
function asDescribed(body: unknown): Refusal {
  const members = Object.entries(Object(body) as object);
  return Object.fromEntries(members.filter(([name, value]) => isAsDescribed(name, value)));
}

function isAsDescribed(name: string, value: unknown): boolean {
  if (name === "errors") return Array.isArray(value) && value.every((one) => one?.detail);
  return typeof value === (name === "message_order" ? "number" : "string");
}

/** Seconds, from a header that has seconds or a date. */
export function retryAfter(response: Response): number | undefined {
  const text = response.headers.get("Retry-After");
  if (!text) return undefined;
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

function inWords({ pointer, parameter, detail }: Violation): string {
  return `${pointer ?? parameter ?? "It"}: ${detail}`;
}
