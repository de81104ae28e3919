"""The route class that runs the checks before a route, in the order that clients rely on."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Any, ClassVar
from uuid import UUID

from fastapi import params
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from application.errors import Unavailable
from entrypoints import time_limits
from entrypoints.http.body import JSON, MERGE_PATCH, check_announced_size, read_body, read_json
from entrypoints.http.context import AppContext, app_context
from entrypoints.http.problems import in_query, invalid
from entrypoints.http.query_types import METADATA
from entrypoints.http.references import message_ref, path_parameters, session_ref
from entrypoints.http.validation_errors import field_errors
from entrypoints.setting_types import OwnerPolicy
from entrypoints.telemetry.request_context import request_context

_ANY_MEMBER = f"{METADATA}*"

NO_QUERY: Mapping[str, str] = MappingProxyType({})


class PipelineRoute(APIRoute):
    """A route that requires a bearer token.

    FastAPI reads the body before it resolves dependencies, so this class runs the checks that must
    come earlier. Their order is 401; 429; 403 for a missing scope; 413, 415 or 400 for the body;
    404 for what can name no session or message; 422 for the query. FastAPI's own 422 and the use
    case's 404 and 403 follow.

    `references` has how each parameter of a path is parsed that names a session or a message, and a
    POST to `creation_path` counts as the creation of a session.
    """

    references: ClassVar[Mapping[str, Callable[[str], object]]] = {
        "session_id": session_ref,
        "message_order": message_ref,
    }
    creation_path: ClassVar[str] = "/sessions"

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        operation = self.operation_id
        body: Any = self.body_field and self.body_field.field_info.annotation
        policy = self._policy
        parameters = _query_parameters(self)

        async def handle_in_order(request: Request) -> Response:
            app, context = app_context(request), request_context(request)
            context.operation = operation
            principal = await app.authentication.principal(request)
            await app.limits.count_owner(request, policy, principal.owner)
            app.authentication.check_scope(principal, request.method)
            request = await self.with_body(request, app)
            context.session_id = _checked_references(request, self.references)
            context.query = _checked_query(self.query_items(request), parameters)
            try:
                async with asyncio.timeout(time_limits.REQUEST_TIMEOUT) as context.timeout:
                    return await handle(request)
            except TimeoutError:  # a write that was begun is carried through all the same
                raise Unavailable("the storage does not answer in time") from None
            except RequestValidationError as error:
                raise invalid(field_errors(error, body)) from None

        return handle_in_order

    def query_items(self, request: Request) -> Sequence[tuple[str, str]]:
        """The parameters of the query, each as often as it is there."""
        return request.query_params.multi_items() if request.scope["query_string"] else ()

    @property
    def _policy(self) -> OwnerPolicy:
        """The one policy that a request to the route counts against."""
        if self.methods == {"GET"}:
            return "read"
        return "create" if self.path_format == self.creation_path else "write"

    async def with_body(self, request: Request, app: AppContext) -> Request:
        """Return the request with what the route takes of its body. Raises a Problem: 413, 415 or
        400, whichever applies first."""
        framing = dict(request.scope["headers"])
        check_announced_size(framing.get(b"content-length", b"0"), app.max_body_bytes)
        if self.body_field:
            media_types = (JSON, MERGE_PATCH) if self.methods == {"PATCH"} else (JSON,)
            return await read_json(request, media_types, app.max_body_bytes)
        if b"transfer-encoding" in framing:
            await read_body(request, app.max_body_bytes)
        return request


def _query_parameters(route: APIRoute) -> AbstractSet[str]:
    """The names that a route's query may have."""
    names = {
        field.alias
        for field in get_flat_params(route.dependant)
        if not isinstance(field.field_info, params.Path | params.Header | params.Cookie)
    }
    models = [field.field_info.annotation for field in route.dependant.query_params]
    takes_members = any(getattr(model, "model_config", {}).get("extra") for model in models)
    return names | {_ANY_MEMBER} if takes_members else names


def _checked_references(
    request: Request, references: Mapping[str, Callable[[str], object]]
) -> str | None:
    """Parse what names a session and a message in the path, and return the session's id, where that
    is what names it. An external id is a client's text, of which the log says nothing."""
    if not request.scope["path_params"]:
        return None
    parameters: dict[str, Any] = path_parameters(request.scope)
    for name, parse in references.items():
        if name in parameters:
            parameters[name] = parse(parameters[name])
    request.scope["path_params"] = parameters
    session = next((one for one in parameters.values() if isinstance(one, UUID)), None)
    return None if session is None else str(session)


def _checked_query(items: Sequence[tuple[str, str]], known: AbstractSet[str]) -> Mapping[str, str]:
    if not items:
        return NO_QUERY
    query = dict(items)
    if len(query) < len(items) or not query.keys() <= known:
        _check_names([name for name, _ in items], known)
    return {name: value for name, value in query.items() if value or name.startswith(METADATA)}


def _check_names(given: Sequence[str], known: AbstractSet[str]) -> None:
    """Raise a Problem, 422, for a name that is not known or is there twice. Where `metadata.*` is
    known, any name is that begins so."""
    taken = set(known)
    if _ANY_MEMBER in known:
        taken |= {name for name in given if name.startswith(METADATA)}
    repeated = {name if name in known else _ANY_MEMBER for name in taken if given.count(name) > 1}
    errors = [in_query("is given more than once", name) for name in sorted(repeated)]
    if set(given) - taken:
        takes = ", ".join(sorted(known)) or "none"
        errors.append(in_query(f"is not known; this route takes {takes}", "*"))
    if errors:
        raise invalid(errors)
