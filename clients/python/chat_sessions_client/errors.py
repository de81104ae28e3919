"""The exceptions of the client. Each problem of the API's catalogue has a class.

ChatSessionsError
├ ConnectionLost: no answer came, or it broke off
├ UnexpectedAnswer: what came is none of this API's
├ IncompleteExport: an export broke off
└ ProblemError: an answer of 400 and above
  ├ BadRequest 400: NotJson, RepeatedHeader, TwoLengths, NotAnEntityTag, NotHttp
  ├ Unauthorized 401
  ├ Forbidden 403: SessionForbidden, InsufficientScope
  ├ NotFound 404: SessionNotFound, MessageNotFound, RouteNotFound
  ├ MethodNotAllowed 405, RequestTimeout 408
  ├ Conflict 409: SessionExists, MessageExists
  ├ PreconditionFailed 412: VersionMismatch
  ├ BodyTooLarge 413, UnsupportedMediaType 415, UnknownHost 421, InvalidInput 422
  ├ TooManyRequests 429: RateLimited, TooManyFollowers
  ├ HeadTooLarge 431, InternalError 500, Unavailable 503
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, ClassVar, cast

import httpx2

from chat_sessions_client.shapes import Violation

URN = "urn:problem-type:chat-sessions:"


class ChatSessionsError(Exception):
    """Anything that goes wrong between this client and the service."""


class ConnectionLost(ChatSessionsError):
    """No answer came, or not the whole of it. Whether a write was carried out is not known; under
    the same idempotency key it can be repeated."""


class UnexpectedAnswer(ChatSessionsError):
    """Something else than the service has answered, such as a proxy's page."""


class IncompleteExport(ChatSessionsError):
    """The export ended before its footer, so that something is missing."""


class ProblemError(ChatSessionsError):
    """An answer of 400 and above (RFC 9457), with the members of the problem as attributes.

    It may be another's, such as a gateway's, of any shape: what is read are the members that are as
    the API has them. `retry_after` is in seconds. `members` are those that only some types have.
    """

    of_status: ClassVar[int] = 0
    kind: ClassVar[str] = ""

    def __init__(self, status: int, problem: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        self.status = status
        self.type = _text(problem.get("type")) or "about:blank"
        self.title = _text(problem.get("title")) or _phrase(status)
        self.detail = _text(problem.get("detail"))
        self.errors = _violations(problem.get("errors"))
        self.request_id = _text(problem.get("request_id")) or headers.get("X-Request-ID")
        self.retry_after = _seconds(headers)
        self.members = {name: value for name, value in problem.items() if name not in _COMMON}
        super().__init__(self._message())

    def _message(self) -> str:
        lines = [f"{self.status} {self.title}"]
        if self.detail:
            lines.append(self.detail)
        for one in self.errors:
            where = one.get("pointer") or one.get("parameter") or ""
            lines.append(f"{where} {one.get('detail', '')}".strip())
        if self.request_id:
            lines.append(f"(request {self.request_id})")
        return " | ".join(lines)


_COMMON = frozenset(
    {"type", "title", "status", "detail", "instance", "request_id", "errors"},
)


class BadRequest(ProblemError):
    of_status = 400


class NotJson(BadRequest):
    kind = "not-json"


class RepeatedHeader(BadRequest):
    kind = "repeated-header"


class TwoLengths(BadRequest):
    kind = "two-lengths"


class NotAnEntityTag(BadRequest):
    kind = "not-an-entity-tag"


class NotHttp(BadRequest):
    kind = "not-http"


class Unauthorized(ProblemError):
    of_status, kind = 401, "unauthorized"


class Forbidden(ProblemError):
    of_status = 403


class SessionForbidden(Forbidden):
    kind = "session-forbidden"


class InsufficientScope(Forbidden):
    kind = "insufficient-scope"


class NotFound(ProblemError):
    of_status = 404


class SessionNotFound(NotFound):
    kind = "session-not-found"


class MessageNotFound(NotFound):
    kind = "message-not-found"


class RouteNotFound(NotFound):
    kind = "route-not-found"


ABSENT = (SessionNotFound, MessageNotFound)
"""What says that there is none. Any other NotFound may be a proxy's, before any service."""


class MethodNotAllowed(ProblemError):
    of_status, kind = 405, "method-not-allowed"


class RequestTimeout(ProblemError):
    of_status, kind = 408, "request-timeout"


class Conflict(ProblemError):
    of_status = 409


class SessionExists(Conflict):
    kind = "session-exists"

    @property
    def session_id(self) -> str:
        """The session that has the external id."""
        return str(self.members.get("session_id", ""))


class MessageExists(Conflict):
    kind = "message-exists"

    @property
    def message_order(self) -> int | None:
        """The message that has the external id, if it is not one of the same request."""
        return self.members.get("message_order")


class PreconditionFailed(ProblemError):
    of_status = 412


class VersionMismatch(PreconditionFailed):
    kind = "version-mismatch"


class BodyTooLarge(ProblemError):
    of_status, kind = 413, "body-too-large"


class UnsupportedMediaType(ProblemError):
    of_status, kind = 415, "not-json"


class UnknownHost(ProblemError):
    of_status, kind = 421, "unknown-host"


class InvalidInput(ProblemError):
    of_status, kind = 422, "invalid-input"


class TooManyRequests(ProblemError):
    of_status = 429


class RateLimited(TooManyRequests):
    kind = "rate-limited"


class TooManyFollowers(TooManyRequests):
    kind = "too-many-followers"


class HeadTooLarge(ProblemError):
    of_status, kind = 431, "head-too-large"


class InternalError(ProblemError):
    of_status, kind = 500, "internal-error"


class Unavailable(ProblemError):
    of_status, kind = 503, "unavailable"


def _classes(parent: type[ProblemError] = ProblemError) -> list[type[ProblemError]]:
    return [one for child in parent.__subclasses__() for one in (child, *_classes(child))]


_BY_TYPE = {(one.of_status, one.kind): one for one in _classes() if one.kind}
_BY_STATUS = {one.of_status: one for one in ProblemError.__subclasses__()}


def problem_error(response: httpx2.Response) -> ProblemError:
    """The exception of a response that has been read: of its type, or else of its status."""
    try:
        problem = json.loads(response.content)
    except (ValueError, RecursionError):
        problem = None
    problem = problem if isinstance(problem, dict) else {}
    status = response.status_code
    kind = str(problem.get("type")).removeprefix(URN)
    error = _BY_TYPE.get((status, kind)) or _BY_STATUS.get(status, ProblemError)
    return error(status, problem, response.headers)


@contextmanager
def raising(theirs: type[Exception]) -> Iterator[None]:
    """Let what goes wrong here be another library's error."""
    try:
        yield
    except (ChatSessionsError, ValueError) as error:
        raise theirs(str(error)) from error


def _text(member: object) -> str:
    return member if isinstance(member, str) else ""


def _violations(member: object) -> list[Violation]:
    given = member if isinstance(member, list) else []
    return [
        cast("Violation", one)
        for one in given
        if isinstance(one, dict) and all(isinstance(value, str) for value in one.values())
    ]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _seconds(headers: Mapping[str, str]) -> float | None:
    """Retry-After, which is a number of seconds or a date by the clock of whoever answers."""
    given = headers.get("Retry-After", "")
    try:
        return max(0.0, float(given))
    except ValueError:
        until = _date(given)
    if until is None:
        return None
    now = _date(headers.get("Date", "")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def _date(given: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(given)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
