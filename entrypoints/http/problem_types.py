"""The catalogue of problems: every `type` that a response of 400 and above may have (RFC 9457).

Responses, exception handlers and the OpenAPI description all come from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from application.errors import TooManyFollowers, Unavailable
from domain.errors import MessageNotFound, SessionForbidden, SessionNotFound, VersionMismatch

LIMITED = ("RateLimit", "RateLimit-Policy")
"""The headers of rate limits, if those are on, in every response to an authenticated caller."""

_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}
"""The titles of statuses as RFC 9110 has them, which Python has only from 3.13 on."""

_CLOSE = {"Connection": "close"}
_RETRY = {"Retry-After": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemType:
    """One type of problem.

    `kind` is the last part of its URN; it is empty for a problem that means no more than its status
    (section 4.2.1). `detail` is its sentence, a format string. `headers` are always sent with it.
    `error` is the exception of the core that becomes this problem.

    The others are for the description: `when` says when it occurs, and is None if no operation
    lists it; `example` has values for the placeholders in `detail`; `described_headers` names the
    headers that the response may have.
    """

    kind: str
    status: HTTPStatus
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)
    error: type[Exception] | None = None
    when: str | None = None
    example: Mapping[str, object] = field(default_factory=dict)
    described_headers: Sequence[str] = ()

    @property
    def title(self) -> str:
        return _TITLES.get(self.status, self.status.phrase)


NOT_JSON = ProblemType(
    kind="not-json",
    status=HTTPStatus.BAD_REQUEST,
    detail="The body is not acceptable JSON: {reason}.",
    when="The body is not JSON, is empty, or holds NaN, an infinity or a repeated key; `errors` "
    "says where, if it could be read that far.",
    example={"reason": "it is empty"},
)
REPEATED_HEADER = ProblemType(
    kind="repeated-header",
    status=HTTPStatus.BAD_REQUEST,
    detail="There are two {name} headers.",
    headers=_CLOSE,
    when="Or the head has two `Host` or two `Authorization`.",
)
TWO_LENGTHS = ProblemType(
    kind="two-lengths",
    status=HTTPStatus.BAD_REQUEST,
    detail="A message has Content-Length or Transfer-Encoding, not both.",
    headers=_CLOSE,
    when="Or it has two lengths.",
)
NO_ENTITY_TAG = ProblemType(
    kind="not-an-entity-tag",
    status=HTTPStatus.BAD_REQUEST,
    detail="If-Match holds no entity tag; an ETag is sent as it came, with its quotes.",
    when="Or `If-Match` holds no entity tag.",
)
NOT_HTTP = ProblemType(kind="not-http", status=HTTPStatus.BAD_REQUEST, detail="{reason}")
UNAUTHORIZED = ProblemType(
    kind="unauthorized",
    status=HTTPStatus.UNAUTHORIZED,
    detail="This needs a bearer token.",
    when="There is no bearer token, or it does not hold.",
    described_headers=("WWW-Authenticate",),
)
SESSION_FORBIDDEN = ProblemType(
    kind="session-forbidden",
    status=HTTPStatus.FORBIDDEN,
    detail="The session belongs to someone else.",
    error=SessionForbidden,
    when="The session belongs to someone else; a service may be set to answer 404 instead.",
    described_headers=("WWW-Authenticate", *LIMITED),
)
INSUFFICIENT_SCOPE = ProblemType(
    kind="insufficient-scope",
    status=HTTPStatus.FORBIDDEN,
    detail="This needs a token with the scope {scope}.",
    when="Or the token lacks a scope, where the service asks for them: `chat:read` or "
    "`chat:write`.",
)
SESSION_NOT_FOUND = ProblemType(
    kind="session-not-found",
    status=HTTPStatus.NOT_FOUND,
    detail="There is no such session.",
    error=SessionNotFound,
    when="There is no such session; also where the id is no id.",
    described_headers=LIMITED,
)
MESSAGE_NOT_FOUND = ProblemType(
    kind="message-not-found",
    status=HTTPStatus.NOT_FOUND,
    detail="The session has no such message.",
    error=MessageNotFound,
    when="Or the session has no such message, or has it no more.",
    described_headers=LIMITED,
)
ROUTE_NOT_FOUND = ProblemType(
    kind="route-not-found", status=HTTPStatus.NOT_FOUND, detail="There is nothing at this path."
)
METHOD_NOT_ALLOWED = ProblemType(
    kind="method-not-allowed",
    status=HTTPStatus.METHOD_NOT_ALLOWED,
    detail="This path does not take that method.",
)
REQUEST_TIMEOUT = ProblemType(
    kind="request-timeout",
    status=HTTPStatus.REQUEST_TIMEOUT,
    detail="The request did not arrive whole in time.",
    when="The request did not arrive whole in time, or its sender left. The connection ends.",
)
SESSION_EXISTS = ProblemType(
    kind="session-exists",
    status=HTTPStatus.CONFLICT,
    detail="Another session of yours has this external id.",
    when="Another session of yours has this external id: `session_id` says which.",
    described_headers=LIMITED,
)
MESSAGE_EXISTS = ProblemType(
    kind="message-exists",
    status=HTTPStatus.CONFLICT,
    detail="Another message of the session has this external id.",
    when="Or another message of the session has this external id: `message_order` says which.",
    described_headers=LIMITED,
)
VERSION_MISMATCH = ProblemType(
    kind="version-mismatch",
    status=HTTPStatus.PRECONDITION_FAILED,
    detail="The session has changed since; read it again.",
    error=VersionMismatch,
    when="The session or the message has changed since: its ETag is none of those in `If-Match`. "
    "Or `If-None-Match: *` asks for a new message where there is one.",
    described_headers=("ETag", *LIMITED),
)
BODY_TOO_LARGE = ProblemType(
    kind="body-too-large",
    status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    detail="A body has at most {limit} bytes.",
    headers=_CLOSE,
    when="The body is larger than the service takes, 5 MiB unless set otherwise.",
    example={"limit": 5 * 1024 * 1024},
    described_headers=LIMITED,
)
UNSUPPORTED_MEDIA_TYPE = ProblemType(
    kind="not-json",
    status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    detail="The body must be {media_types} in UTF-8, not encoded.",
    when="The body's media type is not JSON in UTF-8, or the body is encoded.",
    example={"media_types": "application/json"},
    described_headers=("Accept", *LIMITED),
)
UNKNOWN_HOST = ProblemType(
    kind="unknown-host",
    status=HTTPStatus.MISDIRECTED_REQUEST,
    detail="The service is not known by this name.",
    when="The service is not known by the name in `Host`.",
)
INVALID_INPUT = ProblemType(
    kind="invalid-input",
    status=HTTPStatus.UNPROCESSABLE_ENTITY,
    detail="The request breaks the rules that errors lists.",
    when="A rule is broken: an unknown field or parameter, a wrong type, a value out of range, NUL "
    "or a lone surrogate in a string outside a `body`, an Idempotency-Key used before with another "
    "request. `errors` says where.",
    described_headers=LIMITED,
)
RATE_LIMITED = ProblemType(
    kind="rate-limited",
    status=HTTPStatus.TOO_MANY_REQUESTS,
    detail="There were too many requests; wait as long as Retry-After says.",
    when="An allowance is spent for now: the caller's, or without a token that holds the "
    "address's, of which `RateLimit` says nothing.",
    described_headers=("Retry-After", *LIMITED),
)
TOO_MANY_FOLLOWERS = ProblemType(
    kind="too-many-followers",
    status=HTTPStatus.TOO_MANY_REQUESTS,
    detail="As many of your requests wait for news of sessions as may; end one of them.",
    headers=_RETRY,
    error=TooManyFollowers,
    when="Or as many of the caller's requests follow sessions as may.",
    described_headers=("Retry-After", *LIMITED),
)
HEAD_TOO_LARGE = ProblemType(
    kind="head-too-large",
    status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    detail="A head has at most {lines} lines and {size} bytes.",
    when="The head has more than 100 lines or 32 KiB.",
    example={"lines": 100, "size": 32 * 1024},
)
INTERNAL_ERROR = ProblemType(
    kind="internal-error",
    status=HTTPStatus.INTERNAL_SERVER_ERROR,
    detail="Something went wrong on our side.",
    when="The fault is ours. It is logged under the same `request_id`; a write may have happened: "
    "try again under its Idempotency-Key.",
)
UNAVAILABLE = ProblemType(
    kind="unavailable",
    status=HTTPStatus.SERVICE_UNAVAILABLE,
    detail="The service cannot answer just now. Try again, a write under its Idempotency-Key.",
    headers=_RETRY,
    error=Unavailable,
    when="The service cannot answer just now: its database or the identity provider's keys are "
    "away, or it is stopping. Try again, a write under its Idempotency-Key.",
    described_headers=("Retry-After",),
)

PROBLEM_TYPES = (
    NOT_JSON,
    REPEATED_HEADER,
    TWO_LENGTHS,
    NO_ENTITY_TAG,
    NOT_HTTP,
    UNAUTHORIZED,
    SESSION_FORBIDDEN,
    INSUFFICIENT_SCOPE,
    SESSION_NOT_FOUND,
    MESSAGE_NOT_FOUND,
    ROUTE_NOT_FOUND,
    METHOD_NOT_ALLOWED,
    REQUEST_TIMEOUT,
    SESSION_EXISTS,
    MESSAGE_EXISTS,
    VERSION_MISMATCH,
    BODY_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    UNKNOWN_HOST,
    INVALID_INPUT,
    RATE_LIMITED,
    TOO_MANY_FOLLOWERS,
    HEAD_TOO_LARGE,
    INTERNAL_ERROR,
    UNAVAILABLE,
)
