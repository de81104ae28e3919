from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError

from domain.errors import InvalidValue
from entrypoints.http.problems import FieldError, in_body, in_header, in_query

FIELD_ERRORS_MAX = 50
"""What one answer lists, lest it outgrow the request."""


def field_errors(error: RequestValidationError) -> list[FieldError]:
    """What FastAPI found wrong, without the input that it found it in.

    A field that is not known is told by the object that holds it, since its name is input too.
    """
    found = map(_field_error, error.errors())
    unlike = {tuple(violation.items()): violation for violation in found}
    return list(unlike.values())[:FIELD_ERRORS_MAX]


def _field_error(found: Mapping[str, Any]) -> FieldError:
    source, *path = found["loc"]
    detail = _detail(found)
    if found["type"] == "extra_forbidden":
        path, detail = path[:-1], "holds a field that is not known"
    if source == "body":
        return in_body(detail, *path)
    name = str(path[0])
    return in_header(detail, name) if source == "header" else in_query(detail, name)


def _detail(found: Mapping[str, Any]) -> str:
    context = found.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, InvalidValue):
        return cause.detail
    match found["type"]:
        case "missing":
            return "is required"
        case "too_short":
            return f"must have at least {context['min_length']} items"
        case "too_long":
            return f"must have at most {context['max_length']} items"
    return str(found["msg"]).replace("Input should", "must").removeprefix("Value error, ")
