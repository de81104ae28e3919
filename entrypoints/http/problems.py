"""What goes wrong, as clients see it: problem details for HTTP APIs (RFC 9457)."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from application.errors import KeyReused, Unavailable
from domain.errors import InvalidValue, SessionForbidden, SessionNotFound, VersionMismatch
from entrypoints.telemetry.request_context import RequestContext

FieldError = Mapping[str, str]

PROBLEM_JSON = "application/problem+json"

RETRY_SECONDS = "1"

_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}
"""As RFC 9110 names them; Python did so only from 3.13 on."""


class Problem(Exception):
    """An answer of 400 and above. Nothing in it repeats what the client sent. One whose `kind` is
    empty means no more than its status (RFC 9457 section 4.2.1)."""

    def __init__(
        self,
        status: HTTPStatus,
        kind: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}

    def body(self, request_id: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": f"urn:problem-type:chat-sessions:{self.kind}" if self.kind else "about:blank",
            "title": _TITLES.get(self.status, self.status.phrase),
            "status": self.status.value,
            "detail": self.detail,
            "instance": f"urn:problem-instance:chat-sessions:{request_id}",
            "request_id": request_id,
        }
        if self.errors:
            body["errors"] = self.errors
        return body

    def to_response(self, request_id: str) -> Response:
        return Response(
            json.dumps(self.body(request_id), ensure_ascii=False, separators=(",", ":")),
            self.status,
            dict(self.headers),
            media_type=PROBLEM_JSON,
        )


_TABLE: dict[type[Exception], tuple[HTTPStatus, str, str]] = {
    SessionForbidden: (
        HTTPStatus.FORBIDDEN,
        "session-forbidden",
        "The session belongs to someone else.",
    ),
    VersionMismatch: (
        HTTPStatus.PRECONDITION_FAILED,
        "version-mismatch",
        "The session has changed since; read it again.",
    ),
    SessionNotFound: (HTTPStatus.NOT_FOUND, "session-not-found", "There is no such session."),
    Unavailable: (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "unavailable",
        "The service cannot answer just now. Try again, a write under its Idempotency-Key.",
    ),
}


def problem_of(error: Exception) -> Problem:
    """The one way from what the core raises to what a client gets."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, InvalidValue):
        return invalid([in_body(error.detail, *error.field)])
    if isinstance(error, KeyReused):
        return invalid([in_header("was used before with another request", "Idempotency-Key")])
    if isinstance(error, HTTPException):
        return Problem(HTTPStatus(error.status_code), "", error.detail, headers=error.headers)
    for kind, (status, name, detail) in _TABLE.items():
        if isinstance(error, kind):
            headers = {"Retry-After": RETRY_SECONDS} if status >= 500 else {}  # noqa: PLR2004
            return Problem(status, name, detail, headers=headers)
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", "Something went wrong on our side."
    )


def problem_response(context: RequestContext, error: Exception) -> Response:
    """The answer that an error becomes, which is also noted for the request's line in the log."""
    context.refusal = error
    return problem_of(error).to_response(context.request_id)


def too_late() -> Problem:
    return Problem(
        HTTPStatus.REQUEST_TIMEOUT, "request-timeout", "The request did not arrive whole in time."
    )


def unavailable(detail: str) -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "unavailable",
        detail,
        headers={"Retry-After": RETRY_SECONDS},
    )


def too_many(seconds: int) -> Problem:
    """Of requests; in that many seconds there may be another."""
    return Problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        "rate-limited",
        "There were too many requests; wait as long as Retry-After says.",
        headers={"Retry-After": str(seconds)},
    )


def invalid(errors: Sequence[FieldError]) -> Problem:
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid-input",
        "The request breaks the rules that errors lists.",
        errors=errors,
    )


def in_body(detail: str, *path: str | int) -> FieldError:
    """At a path of the body, as a JSON pointer in a URI fragment (RFC 6901 section 6)."""
    return {"detail": detail, "pointer": "#" + "".join(f"/{part}" for part in path)}


def in_query(detail: str, parameter: str) -> FieldError:
    return {"detail": detail, "parameter": parameter, "in": "query"}


def in_header(detail: str, name: str) -> FieldError:
    return {"detail": detail, "parameter": name, "in": "header"}
