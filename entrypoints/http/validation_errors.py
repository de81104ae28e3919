from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from domain.errors import InvalidValue
from entrypoints.http.problems import FIELD_ERRORS_MAX, FieldError, in_body, in_header, in_query
from entrypoints.http.schemas import KINDS, MessageCreate, MessageReplace

_TYPES = {
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "int_parsing": "must be an integer written in plain digits",
    "int_parsing_size": "must be an integer written in plain digits",
    "list_type": "must be an array",
    "missing": "is required",
    "model_attributes_type": "must be an object",
    "model_type": "must be an object",
    "string_type": "must be a string",
    "string_unicode": "must not contain a lone surrogate",
}
"""The sentences for clients, by Pydantic's types of errors."""

_WHOLE = (
    "; to store a message whole, as a framework or a model API has it, put it into `body`, or give "
    "`format` beside `messages` where messages are appended"
)


def field_errors(error: RequestValidationError, body: type[BaseModel] | None) -> list[FieldError]:
    """Translate the errors that FastAPI found, without the input that it found them in.

    An unknown field is reported by the object that holds it, because its name is input too.
    """
    found = [_field_error(one, body) for one in error.errors()]
    unlike = {tuple(one.items()): one for one in found}
    return list(unlike.values())[:FIELD_ERRORS_MAX]


def _field_error(found: Mapping[str, Any], body: type[BaseModel] | None) -> FieldError:
    source, *path = found["loc"]
    if path and path[0] in KINDS:
        body = KINDS[path.pop(0)]
    detail = _detail(found)
    cause = found.get("ctx", {}).get("error")
    if isinstance(cause, InvalidValue) and tuple(path[-len(cause.field) :]) != cause.field:
        path += cause.field
    if found["type"] == "extra_forbidden":
        path = path[:-1]
        model = _model_at(body, path) if body else BaseModel
        detail = f"holds a field that is not known; it takes {', '.join(model.model_fields)}"
        detail += _WHOLE if model in {MessageCreate, MessageReplace} else ""
    if found["type"] == "string_type" and path[-1] == "content":
        detail += _WHOLE
    if source == "body":
        return in_body(detail, *path)
    name = str(path[0])
    return in_header(detail, name) if source == "header" else in_query(detail, name)


def _model_at(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel]:
    """Return the model of the object at a path of a model."""
    for name in path:
        if isinstance(name, str):
            (model,) = _models_in(model.model_fields[name].annotation)
    return model


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _detail(found: Mapping[str, Any]) -> str:
    context = found.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, InvalidValue):
        return cause.detail
    match found["type"]:
        case "enum":
            return f"must be one of {_list(context['expected'])}"
        case "too_short":
            return f"must have at least {context['min_length']} items"
        case "too_long":
            return f"must have at most {context['max_length']} items"
    known = _TYPES.get(found["type"])
    return known or str(found["msg"]).replace("Input should", "must").removeprefix("Value error, ")


def _list(expected: str) -> str:
    """Rewrite `'a', 'b' or 'c'` as a plain list."""
    return expected.replace("'", "").replace(" or ", ", ")
