"""The OpenAPI 3.1 description: FastAPI's, completed with what all operations have in common."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from entrypoints.http.openapi.headers import HEADERS, headers
from entrypoints.http.openapi.problem_components import PROBLEMS
from entrypoints.http.openapi.problem_schemas import (
    ConflictResponse,
    InvalidInputResponse,
    ProblemResponse,
)
from entrypoints.http.problem_types import LIMITED

Json = dict[str, Any]

ABOUT = (Path(__file__).parent / "about.md").read_text()

TAGS = [
    {"name": "sessions", "description": "The caller's chat sessions."},
    {"name": "search", "description": "What was said in any of the caller's sessions."},
    {"name": "moving", "description": "All of the caller's sessions, out and in."},
    {"name": "service", "description": "What the service says of itself. No token is needed."},
]

_REFERENCE = "#/components/schemas/"

_LINES = {
    "type": "string",
    "description": "JSON objects, each on a line of its own.",
    "examples": ['{"type": "header", "format": "chat-sessions/1"}'],
}


def complete(description: Json) -> Json:
    """Change FastAPI's description in place, and return it."""
    description["paths"] = dict(sorted(description["paths"].items(), key=_place))
    operations = [
        operation for path in description["paths"].values() for operation in path.values()
    ]
    for operation in operations:
        for parameter in operation.get("parameters", ()):
            parameter["schema"] = _without_null(parameter["schema"])
        operation["summary"] = operation["summary"].capitalize()
        _complete_answers(operation)
        _complete_body(operation)
    components = description["components"]
    components["headers"] = HEADERS
    components["responses"] = {
        problem.name: problem.response()
        for status, problem in PROBLEMS.items()
        if any(str(status) in operation["responses"] for operation in operations)
    }
    _complete_schemas(components["schemas"])
    return description


def _place(path: tuple[str, Json]) -> tuple[bool, str]:
    """Return a path's sort key: sessions come first, by path, and the others keep their order."""
    is_of_sessions = path[0].startswith("/sessions")
    return not is_of_sessions, path[0] if is_of_sessions else ""


def _without_null(schema: Json) -> Json:
    """Return a parameter's schema without null, which stands for an absent one in Python alone."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        schema = {**schema, **choices[0]}
        del schema["anyOf"]
    if schema.get("default") == []:
        del schema["default"]
    return {name: value for name, value in schema.items() if name not in {"title", "description"}}


def _complete_answers(operation: Json) -> None:
    common = (*LIMITED, "X-Request-ID") if "security" in operation else ("X-Request-ID",)
    answers = operation["responses"]
    for status in sorted(answers):
        answer = answers.pop(status)
        if int(status) in PROBLEMS:
            answer = {"$ref": f"#/components/responses/{PROBLEMS[int(status)].name}"}
        else:
            answer["headers"] = {**answer.get("headers", {}), **headers(*common)}
        answers[status] = answer


def _complete_schemas(schemas: Json) -> None:
    for model in (ProblemResponse, InvalidInputResponse, ConflictResponse):
        schema = model.model_json_schema(ref_template=_REFERENCE + "{model}")
        schemas |= schema.pop("$defs", {}) | {model.__name__: schema}
    for name in (
        "Body",
        "ItemsAppend",
        "Metadata",
        "View",
    ):  # the core's, and what is told in words
        schemas.pop(name, None)
    schemas["Lines"] = dict(_LINES)
    for name, schema in sorted(schemas.items()):
        schemas[name] = schemas.pop(name)
        for part in _parts(schema):
            part.pop("title", None)
            part.pop("default", None)  # which generators of clients take for "always there"
            part |= {bound: int(part[bound]) for bound in ("minimum", "maximum") if bound in part}
            _make_portable(part)


def _make_portable(schema: Json) -> None:
    """Say null as one of the types, as generators of clients understand it."""
    match schema.get("anyOf"):
        case [{"type": str(kind)} as choice, {"type": "null"}]:
            del schema["anyOf"]
            schema |= {**choice, **schema, "type": [kind, "null"]}


def _complete_body(operation: Json) -> None:
    """Describe the first kind of a body alone that may be of several: a generated client would want
    the members of all."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        content["schema"], *_ = content["schema"].get("oneOf", [content["schema"]])


def _parts(schema: Json) -> Iterator[Json]:
    """Yield a schema and every schema in it."""
    yield schema
    for member in schema.get("properties", {}).values():
        yield from _parts(member)
    for key in ("anyOf", "oneOf"):
        for choice in schema.get(key, ()):
            yield from _parts(choice)
    if "items" in schema:
        yield from _parts(schema["items"])
