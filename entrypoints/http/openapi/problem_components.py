"""Every status of 400 and above as a response component (OpenAPI 3.1 section 4.8.17)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.errors import ExternalIdTaken
from entrypoints.http.openapi.headers import headers
from entrypoints.http.problem_types import (
    INVALID_INPUT,
    PROBLEM_TYPES,
    SESSION_EXISTS,
    ProblemType,
)
from entrypoints.http.problems import PROBLEM_JSON, Problem, conflict, in_body, invalid
from entrypoints.http.schema_types import REQUEST_ID, SESSION_ID

_NAMES = {
    400: "BadRequest",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    429: "TooManyRequests",
}
"""The names of the components that are not named after their first problem."""


@dataclass(frozen=True, slots=True)
class ProblemComponent:
    """The problem types of one status, the first of which is the example."""

    types: Sequence[ProblemType]

    @property
    def name(self) -> str:
        first = self.types[0]
        return _NAMES.get(first.status) or first.kind.title().replace("-", "")

    @property
    def description(self) -> str:
        return " ".join(type_.when for type_ in self.types if type_.when)

    def response(self) -> dict[str, Any]:
        first = self.types[0]
        names = dict.fromkeys(name for type_ in self.types for name in type_.described_headers)
        example = Problem(first, first.detail.format(**first.example))
        model = "ProblemResponse"
        if first is INVALID_INPUT:
            example = invalid([in_body("is required", "messages", 0, "role")])
            model = "InvalidInputResponse"
        if first is SESSION_EXISTS:
            example = conflict(ExternalIdTaken(session_id=UUID(SESSION_ID)))
            model = "ConflictResponse"
        return {
            "description": self.description,
            "headers": headers(*names, "X-Request-ID"),
            "content": {
                PROBLEM_JSON: {
                    "schema": {"$ref": f"#/components/schemas/{model}"},
                    "example": example.body(REQUEST_ID),
                }
            },
        }


def _by_status() -> Mapping[int, ProblemComponent]:
    found: dict[int, list[ProblemType]] = {}
    for type_ in PROBLEM_TYPES:
        if type_.when:
            found.setdefault(type_.status, []).append(type_)
    return {status: ProblemComponent(types) for status, types in found.items()}


PROBLEMS = _by_status()
"""The components by their status."""
