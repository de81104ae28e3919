"""What a route takes, read from a request that is plainly right without FastAPI's way to find it.

FastAPI describes each route, and refuses what does not fit. Its resolving of dependencies costs
more than all else that is done for a request, so it is left out where there is nothing to refuse.
Both ways read by the same annotations, and a test holds them to the same outcome.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from types import CoroutineType
from typing import Any, get_args, get_type_hints
from uuid import UUID

from fastapi import params
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from typing_extensions import TypedDict

from application.once import KEY_MAX
from application.use_cases import UseCases
from domain.owner import Owner
from entrypoints.http.idempotency import KEY, NAME, idempotency_key

_KEY = re.compile(KEY)
_NAME = NAME.lower().encode()


class Unusual(Exception):
    """FastAPI is to look at this one."""


Query = Mapping[str, str]
"""Each name once."""

Reader = Callable[[Request, Query, object], Any]
"""Takes its part of a request: of that itself, of its query, or of the JSON of its body."""

Arguments = Callable[[Request, Query, object], Awaitable[dict[str, Any]]]


@cache
def plainly(endpoint: Callable[..., Any]) -> Arguments:
    """How to read what an endpoint takes. What this gives raises Unusual."""
    readers = {name: _reader(hint) for name, hint in _hints(endpoint).items()}

    async def read(request: Request, query: Query, body: object) -> dict[str, Any]:
        arguments = {}
        for name, reader in readers.items():
            value = reader(request, query, body)
            arguments[name] = await value if type(value) is CoroutineType else value
        return arguments

    return read


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    hints = get_type_hints(function, include_extras=True)
    return {name: hints[name] for name in inspect.signature(function).parameters}


def _reader(hint: Any) -> Reader:  # noqa: ANN401 - any annotation
    kind, *about = get_args(hint) if hasattr(hint, "__metadata__") else (hint,)
    if kind in _BY_KIND:
        return _BY_KIND[kind]
    for told in about:
        if isinstance(told, params.Header) and told.alias:
            return _header(told.alias)
        if isinstance(told, params.Depends) and told.dependency:
            return _BY_DEPENDENCY.get(told.dependency) or _of_query(told.dependency)
    return _of_body(hint)


def _values(request: Request, name: bytes) -> list[str]:
    return [value.decode("latin-1") for given, value in request.scope["headers"] if given == name]


def _header(name: str) -> Reader:
    raw = name.lower().encode()
    return lambda request, _, __: _values(request, raw) or None


def _of_query(dependency: Callable[..., Any]) -> Reader:
    """A dependency whose every parameter is one of the query."""
    validated = _validated(TypedDict("Asked", _hints(dependency), total=False))  # type: ignore[operator]
    return lambda _, query, __: dependency(**validated(query))


def _of_body(model: Any) -> Reader:  # noqa: ANN401 - any annotation
    validated = _validated(model)
    return lambda _, __, body: validated(body)


def _validated(kind: Any) -> Callable[[object], Any]:  # noqa: ANN401 - any annotation
    validate = TypeAdapter(kind).validator.validate_python

    def validated(value: object) -> object:
        try:
            return validate(value)
        except ValidationError:
            raise Unusual from None

    return validated


def _idempotency_key(request: Request, _: Query, __: object) -> str | None:
    given = _values(request, _NAME)
    if not given:
        return None
    if len(given) > 1 or len(given[0]) > KEY_MAX or not _KEY.fullmatch(given[0]):
        raise Unusual
    return given[0]


_BY_KIND: Mapping[Any, Reader] = {
    Request: lambda request, _, __: request,
    UseCases: lambda request, _, __: request.app.state.use_cases,
    Owner: lambda request, _, __: request.scope["state"]["caller"],
    UUID: lambda request, _, __: UUID(request.path_params["session_id"]),
}
_BY_DEPENDENCY: Mapping[Callable[..., Any], Reader] = {idempotency_key: _idempotency_key}
