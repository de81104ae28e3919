"""Problem details (RFC 9457): the responses that errors become."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from application.errors import KeyReused
from domain.errors import ExternalIdTaken, InvalidValue
from entrypoints.http.problem_types import (
    INTERNAL_ERROR,
    INVALID_INPUT,
    MESSAGE_EXISTS,
    PROBLEM_TYPES,
    SESSION_EXISTS,
    ProblemType,
)
from entrypoints.telemetry.request_context import RequestContext

FieldError = Mapping[str, str]

FIELD_ERRORS_MAX = 50
"""The most errors that one answer lists, so that it does not outgrow the request."""

PROBLEM_JSON = "application/problem+json"

_EXTERNAL_ID = ("external_id",)

_BY_ERROR = {type_.error: type_ for type_ in PROBLEM_TYPES if type_.error}


class Problem(Exception):
    """An error response. Nothing in it repeats what the client sent.

    `detail` replaces the type's sentence; without it, `values` fill the placeholders in that one.
    `headers` are added to the type's own. `members` are further members (section 3.2).
    """

    def __init__(
        self,
        type_: ProblemType,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, str | int] | None = None,
        **values: object,
    ) -> None:
        self.type = type_
        self.detail = type_.detail.format(**values) if detail is None else detail
        self.errors = errors
        self.headers = {**type_.headers, **(headers or {})}
        self.members = members or {}
        super().__init__(self.detail)

    def body(self, request_id: str) -> dict[str, Any]:
        status, kind = self.type.status, self.type.kind
        body: dict[str, Any] = {
            "type": f"urn:problem-type:chat-sessions:{kind}" if kind else "about:blank",
            "title": self.type.title,
            "status": status.value,
            "detail": self.detail,
            "instance": f"urn:problem-instance:chat-sessions:{request_id}",
            "request_id": request_id,
            **self.members,
        }
        if self.errors:
            body["errors"] = self.errors
        return body

    def to_response(self, request_id: str) -> Response:
        return Response(
            json.dumps(self.body(request_id), ensure_ascii=False, separators=(",", ":")),
            self.type.status,
            self.headers,
            media_type=PROBLEM_JSON,
        )


def problem_of(error: Exception) -> Problem:
    """Return the Problem that an error becomes: INTERNAL_ERROR for an unknown one."""
    match error:
        case Problem():
            return error
        case InvalidValue():
            return invalid([in_body(error.detail, *error.field)])
        case ExternalIdTaken():
            return conflict(error)
        case KeyReused():
            return invalid([in_header("was used before with another request", "Idempotency-Key")])
        case HTTPException():
            type_ = ProblemType(kind="", status=HTTPStatus(error.status_code), detail="")
            return Problem(type_, error.detail, headers=error.headers)
    known = next((type_ for kind, type_ in _BY_ERROR.items() if isinstance(error, kind)), None)
    return Problem(known or INTERNAL_ERROR)


def problem_response(context: RequestContext, error: Exception) -> Response:
    """Return the response that an error becomes, and keep the error for the access log."""
    context.refusal = error
    form = context.problem_form or Problem.to_response
    response: Response = form(problem_of(error), context.request_id)
    return response


def invalid(errors: Sequence[FieldError]) -> Problem:
    return Problem(INVALID_INPUT, errors=errors)


def conflict(error: ExternalIdTaken, *item: str | int) -> Problem:
    """The Problem of an external id that is taken. `item` is where the new one is in the body, if
    that is not under its own name."""
    if error.index is None:
        found = in_body("is the external id of another session of yours", *(item or _EXTERNAL_ID))
        members: dict[str, str | int] = {"session_id": str(error.session_id)}
        return Problem(SESSION_EXISTS, errors=[found], members=members)
    own = ("messages", error.index, *_EXTERNAL_ID)
    found = in_body("is the external id of another message of the session", *(item or own))
    members = {} if error.message_order is None else {"message_order": error.message_order}
    return Problem(MESSAGE_EXISTS, errors=[found], members=members)


def in_body(detail: str, *path: str | int) -> FieldError:
    """Locate an error in the body by a JSON pointer in a URI fragment (RFC 6901 section 6)."""
    return {"detail": detail, "pointer": "#" + "".join(f"/{part}" for part in path)}


def in_query(detail: str, parameter: str) -> FieldError:
    return {"detail": detail, "parameter": parameter, "in": "query"}


def in_header(detail: str, name: str) -> FieldError:
    return {"detail": detail, "parameter": name, "in": "header"}
