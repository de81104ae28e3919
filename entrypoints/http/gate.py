"""What a request passes before its use case runs, in the one order that clients rely on."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AsyncExitStack
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6750.errors import InsufficientScopeError, InvalidTokenError
from fastapi import params
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from application.errors import InvalidToken, Unavailable
from application.ports.authenticator import Authenticator, Principal, Scope
from domain.errors import SessionNotFound
from entrypoints.http.body import JSON, MERGE_PATCH, check_announced_size, read_body, read_json
from entrypoints.http.fields import UUID_V7
from entrypoints.http.limits import Policy, RateLimits
from entrypoints.http.plain import Unusual, plainly
from entrypoints.http.problems import Problem, in_query, invalid
from entrypoints.http.violations import violations
from entrypoints.telemetry.observation import Observation

REALM = "chat-sessions"

ANSWER_SECONDS = 4.75
"""For all that one request asks of the storage, which bounds each act for itself."""

_ID = re.compile(UUID_V7)

_STACKS = ("fastapi_middleware_astack", "fastapi_inner_astack", "fastapi_function_astack")

NO_QUERY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Gatekeeper:
    """What the gate stands on."""

    authenticator: Authenticator
    metadata_url: str
    max_body_bytes: int
    limits: RateLimits

    async def principal(self, request: Request) -> Principal:
        """Raises the Problem of 401, or of 429 from a peer that has had too many of them."""
        try:
            return await self._authenticated(request)
        except Problem:
            await self.limits.count_peer(request)
            raise

    async def _authenticated(self, request: Request) -> Principal:
        """Raises the Problem of 401 (RFC 6750 section 3, RFC 9728 section 5.1)."""
        given = dict(request.scope["headers"]).get(b"authorization", b"")
        scheme, _, token = given.decode("latin-1").partition(" ")
        if not token or scheme.lower() != "bearer":
            raise self._unauthorized("This needs a bearer token.")
        try:
            return await self.authenticator.authenticate(token.strip(" "))
        except InvalidToken as reason:
            request.app.state.measures.auth_failures.add(1)
            raise self._unauthorized(
                "The bearer token does not hold.",
                error=InvalidTokenError.error,
                error_description=InvalidTokenError.description,
            ) from reason

    def check_scope(self, principal: Principal, method: str) -> None:
        """Raises the Problem of 403 (RFC 6750 section 3.1) for what the token does not allow."""
        scope = Scope.READ if method == "GET" else Scope.WRITE
        if scope not in principal.scopes:
            raise Problem(
                HTTPStatus.FORBIDDEN,
                "insufficient-scope",
                f"This needs a token with the scope {scope}.",
                headers=self._challenge(
                    error=InsufficientScopeError.error,
                    error_description=InsufficientScopeError.description,
                    scope=scope,
                ),
            )

    def _unauthorized(self, detail: str, **parameters: str) -> Problem:
        challenge = self._challenge(**parameters)
        return Problem(HTTPStatus.UNAUTHORIZED, "unauthorized", detail, headers=challenge)

    def _challenge(self, **parameters: str) -> dict[str, str]:
        """No value has a quotation mark or a backslash in it."""
        given = {"realm": REALM, "resource_metadata": self.metadata_url, **parameters}
        listed = ", ".join(f'{name}="{value}"' for name, value in given.items())
        return {"WWW-Authenticate": f"Bearer {listed}"}


class GatedRoute(APIRoute):
    """A route for callers with a token: 401; 429; 403 for a scope that it lacks; 413, 415 or 400
    of the body; 404 for an id that is none; 422; and only then the use case, which tells 404 from
    403."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        endpoint, arguments = self.endpoint, plainly(self.endpoint)
        operation = self.operation_id
        takes_body = self.body_field is not None
        policy = _policy(self)
        media_types = (JSON, MERGE_PATCH) if self.methods == {"PATCH"} else (JSON,)
        parameters = {
            field.alias
            for field in get_flat_params(self.dependant)
            if isinstance(field.field_info, params.Query)
        }

        async def gated(request: Request) -> Response:
            keeper: Gatekeeper = request.app.state.gatekeeper
            state = request.scope["state"]
            observation: Observation = state["observation"]
            observation.operation = operation
            principal = await keeper.principal(request)
            observation.user_id = principal.owner.subject
            await keeper.limits.count_owner(request, policy, principal.owner)
            keeper.check_scope(principal, request.method)
            state["caller"] = principal.owner
            framing = dict(request.scope["headers"])
            check_announced_size(framing.get(b"content-length", b"0"), keeper.max_body_bytes)
            body = None
            if takes_body:
                request = await read_json(request, media_types, keeper.max_body_bytes)
                body = request.value
            elif b"transfer-encoding" in framing:
                await read_body(request, keeper.max_body_bytes)
            observation.session_id = _checked_id(request)
            query = state["query"] = _checked_query(request, parameters)
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    try:
                        given = await arguments(request, query, body)
                    except Unusual:
                        return await _as_fastapi_does(handle, request)
                    answer: Response = await endpoint(**given)
                    return answer
            except TimeoutError:  # a write that was begun is carried through all the same
                raise Unavailable("the storage does not answer in time") from None
            except RequestValidationError as error:
                raise invalid(violations(error)) from None

        return gated


async def _as_fastapi_does(
    handle: Callable[[Request], Coroutine[Any, Any, Response]], request: Request
) -> Response:
    """Its handler wants what its router keeps open around each request."""
    async with AsyncExitStack() as open_:
        request.scope.update(dict.fromkeys(_STACKS, open_))
        return await handle(request)


def _policy(route: APIRoute) -> Policy:
    """One for each request: making a session counts as that alone."""
    if route.methods == {"GET"}:
        return "read"
    return "write" if "session_id" in route.param_convertors else "create"


def _checked_id(request: Request) -> str | None:
    session_id: str | None = request.path_params.get("session_id")
    if session_id is not None and not _ID.fullmatch(session_id):
        raise SessionNotFound
    return session_id


def _checked_query(request: Request, known: AbstractSet[str]) -> Mapping[str, str]:
    if not request.scope["query_string"]:
        return NO_QUERY
    items = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    query = dict(items)
    if len(query) < len(items) or not query.keys() <= known:
        raise _unfit([name for name, _ in items], known)
    return query


def _unfit(given: Sequence[str], known: AbstractSet[str]) -> Problem:
    errors = [in_query("is given more than once", name) for name in known if given.count(name) > 1]
    if set(given) - known:
        takes = ", ".join(sorted(known)) or "none"
        errors.append(in_query(f"is not known; this route takes {takes}", "*"))
    return invalid(errors)
