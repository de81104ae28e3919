"""Every status of 400 and above, described."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from application.errors import Unavailable
from domain.errors import SessionForbidden, SessionNotFound, VersionMismatch
from entrypoints.http.openapi.headers import LIMITED, headers
from entrypoints.http.problems import (
    PROBLEM_JSON,
    Problem,
    in_body,
    invalid,
    problem_of,
    too_late,
    too_many,
)
from entrypoints.http.schema_types import REQUEST_ID


@dataclass(frozen=True, slots=True)
class ProblemComponent:
    """A status of 400 and above: its name as a component, when it is answered, an example."""

    name: str
    description: str
    example: Problem
    headers: tuple[str, ...] = ()

    def response(self) -> dict[str, Any]:
        """The component (OpenAPI 3.1 section 4.8.17)."""
        model = "InvalidInputResponse" if self.example.errors else "ProblemResponse"
        return {
            "description": self.description,
            "headers": headers(*self.headers, "X-Request-ID"),
            "content": {
                PROBLEM_JSON: {
                    "schema": {"$ref": f"#/components/schemas/{model}"},
                    "example": self.example.body(REQUEST_ID),
                }
            },
        }


PROBLEMS: Mapping[int, ProblemComponent] = {
    400: ProblemComponent(
        "BadRequest",
        "The body is not JSON, is empty, or holds NaN, an infinity, a lone surrogate or a repeated "
        "key; or the head is not clear: two `Host` or `Authorization`, or two lengths.",
        Problem(
            HTTPStatus.BAD_REQUEST, "not-json", "The body is not acceptable JSON: it is not JSON."
        ),
    ),
    401: ProblemComponent(
        "Unauthorized",
        "There is no bearer token, or it does not hold.",
        Problem(HTTPStatus.UNAUTHORIZED, "unauthorized", "This needs a bearer token."),
        ("WWW-Authenticate",),
    ),
    403: ProblemComponent(
        "Forbidden",
        "The session belongs to someone else; a service may be set to answer 404 instead. Or the "
        "token lacks a scope, where the service asks for them: `chat:read` or `chat:write`.",
        problem_of(SessionForbidden()),
        ("WWW-Authenticate", *LIMITED),
    ),
    404: ProblemComponent(
        "NotFound",
        "There is no such session; also where the id is no id.",
        problem_of(SessionNotFound()),
        LIMITED,
    ),
    408: ProblemComponent(
        "RequestTimeout",
        "The request did not arrive whole in time, or its sender left. The connection ends.",
        too_late(),
    ),
    412: ProblemComponent(
        "VersionMismatch",
        "The session has changed since: its ETag is none of those in `If-Match`.",
        problem_of(VersionMismatch()),
        LIMITED,
    ),
    413: ProblemComponent(
        "BodyTooLarge",
        "The body is larger than the service takes, 1 MiB unless set otherwise.",
        Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "body-too-large",
            "A body has at most 1048576 bytes.",
        ),
        LIMITED,
    ),
    415: ProblemComponent(
        "NotJson",
        "The body's media type is not JSON in UTF-8, or the body is encoded.",
        Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "not-json",
            "The body must be application/json in UTF-8, not encoded.",
        ),
        ("Accept", *LIMITED),
    ),
    421: ProblemComponent(
        "UnknownHost",
        "The service is not known by the name in `Host`.",
        Problem(
            HTTPStatus.MISDIRECTED_REQUEST,
            "unknown-host",
            "The service is not known by this name.",
        ),
    ),
    422: ProblemComponent(
        "InvalidInput",
        "A rule is broken: an unknown field or parameter, a wrong type, a value out of range, NUL "
        "in a string, an Idempotency-Key used before with another request. `errors` says where.",
        invalid([in_body("is required", "messages", 0, "role")]),
        LIMITED,
    ),
    429: ProblemComponent(
        "TooManyRequests",
        "An allowance is spent for now: the caller's, or without a token that holds the address's, "
        "of which `RateLimit` says nothing.",
        too_many(seconds=42),
        ("Retry-After", *LIMITED),
    ),
    431: ProblemComponent(
        "HeadTooLarge",
        "The head has more than 100 lines or 32 KiB.",
        Problem(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            "head-too-large",
            "A head has at most 100 lines and 32768 bytes.",
        ),
    ),
    500: ProblemComponent(
        "InternalError",
        "The fault is ours. It is logged under the same `request_id`; a write may have happened: "
        "try again under its Idempotency-Key.",
        problem_of(Exception()),
    ),
    503: ProblemComponent(
        "Unavailable",
        "The service cannot answer just now: its database or the identity provider's keys are "
        "away, or it is stopping. Try again, a write under its Idempotency-Key.",
        problem_of(Unavailable("away")),
        ("Retry-After",),
    ),
}
