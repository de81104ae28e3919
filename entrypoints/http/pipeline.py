"""The route class that runs the checks before a route, in the order that clients rely on."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Any

from fastapi import params
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from application.errors import Unavailable
from domain.errors import SessionNotFound
from entrypoints import time_limits
from entrypoints.http.body import JSON, MERGE_PATCH, check_announced_size, read_body, read_json
from entrypoints.http.context import app_context
from entrypoints.http.problems import Problem, in_query, invalid
from entrypoints.http.schema_types import UUID_V7
from entrypoints.http.validation_errors import field_errors
from entrypoints.setting_types import OwnerPolicy
from entrypoints.telemetry.request_context import request_context

_ID = re.compile(UUID_V7, re.IGNORECASE)

NO_QUERY: Mapping[str, str] = MappingProxyType({})


class PipelineRoute(APIRoute):
    """A route that requires a bearer token.

    FastAPI reads the body before it resolves dependencies, so this class runs the checks that must
    come earlier. Their order is 401; 429; 403 for a missing scope; 413, 415 or 400 for the body;
    404 for a malformed session id; 422 for the query. FastAPI's own 422 and the use case's 404 and
    403 follow.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        operation = self.operation_id
        body: Any = self.body_field and self.body_field.field_info.annotation
        policy = _policy(self)
        media_types = (JSON, MERGE_PATCH) if self.methods == {"PATCH"} else (JSON,)
        parameters = {
            field.alias
            for field in get_flat_params(self.dependant)
            if not isinstance(field.field_info, params.Path | params.Header | params.Cookie)
        }

        async def handle_in_order(request: Request) -> Response:
            app, context = app_context(request), request_context(request)
            context.operation = operation
            principal = await app.authentication.principal(request)
            await app.limits.count_owner(request, policy, principal.owner)
            app.authentication.check_scope(principal, request.method)
            framing = dict(request.scope["headers"])
            check_announced_size(framing.get(b"content-length", b"0"), app.max_body_bytes)
            if body:
                request = await read_json(request, media_types, app.max_body_bytes)
            elif b"transfer-encoding" in framing:
                await read_body(request, app.max_body_bytes)
            context.session_id = _checked_id(request)
            context.query = _checked_query(request, parameters)
            try:
                async with asyncio.timeout(time_limits.REQUEST_TIMEOUT):
                    return await handle(request)
            except TimeoutError:  # a write that was begun is carried through all the same
                raise Unavailable("the storage does not answer in time") from None
            except RequestValidationError as error:
                raise invalid(field_errors(error, body)) from None

        return handle_in_order


def _policy(route: APIRoute) -> OwnerPolicy:
    """Return the one policy that a request to the route counts against."""
    if route.methods == {"GET"}:
        return "read"
    return "write" if "session_id" in route.param_convertors else "create"


def _checked_id(request: Request) -> str | None:
    session_id: str | None = request.path_params.get("session_id")
    if session_id is None:
        return None
    if not _ID.fullmatch(session_id):
        raise SessionNotFound
    return session_id.lower()


def _checked_query(request: Request, known: AbstractSet[str]) -> Mapping[str, str]:
    if not request.scope["query_string"]:
        return NO_QUERY
    items = request.query_params.multi_items()
    query = dict(items)
    if len(query) < len(items) or not query.keys() <= known:
        raise _unfit([name for name, _ in items], known)
    return {name: value for name, value in query.items() if value}


def _unfit(given: Sequence[str], known: AbstractSet[str]) -> Problem:
    errors = [in_query("is given more than once", name) for name in known if given.count(name) > 1]
    if set(given) - known:
        takes = ", ".join(sorted(known)) or "none"
        errors.append(in_query(f"is not known; this route takes {takes}", "*"))
    return invalid(errors)
