"""Configure the server: the settings give its limits, and the application answers its errors."""

import resource
from http import HTTPStatus

from starlette.types import ASGIApp, Scope

from entrypoints.drain import Drain
from entrypoints.http.middleware.access_log import GIVEN_UP
from entrypoints.http.middleware.request_head import REFUSED, head_too_large
from entrypoints.http.middleware.responses import LINGER_TIMEOUT, SILENCE_TIMEOUT
from entrypoints.http.problem_types import NOT_HTTP, REQUEST_TIMEOUT, UNAVAILABLE
from entrypoints.http.problems import Problem
from entrypoints.server.errors import ErrorResponder, ProtocolError
from entrypoints.server.limits import ClientTimeouts, ConnectionLimits
from entrypoints.server.registry import ConnectionRegistry
from entrypoints.server.server import Server
from entrypoints.settings import Settings

BUFFER_LIMIT = 10 * 1024 * 1024
"""The most bytes of incomplete requests and unread responses that are kept in memory."""

BUFFERED_BODIES = 2
"""If bodies may be large, the limit is the size of so many of them instead."""

HEAD_BYTES = 256 * 1024
"""The most bytes that are read of a head. The application refuses one over its own limits."""

OTHER_FILES = 128
"""The files that the process may open besides its connections."""


def http_server(app: ASGIApp, settings: Settings, drain: Drain) -> Server:
    registry = ConnectionRegistry(client_timeouts(settings), connection_limits(settings))
    return Server(app, registry, ProblemResponder(), settings.drain_seconds, drain)


def client_timeouts(settings: Settings) -> ClientTimeouts:
    return ClientTimeouts(
        head=settings.client_head_seconds,
        body=settings.client_body_seconds,
        request=settings.client_request_seconds,
        idle=settings.client_idle_seconds,
        answer=settings.client_answer_seconds,
        linger=LINGER_TIMEOUT,
        silence=SILENCE_TIMEOUT,
    )


def connection_limits(settings: Settings) -> ConnectionLimits:
    return ConnectionLimits(
        connections=_connections(settings.client_connections),
        buffered_bytes=max(BUFFER_LIMIT, BUFFERED_BODIES * settings.max_body_bytes),
        head_bytes=HEAD_BYTES,
    )


def _connections(wanted: int) -> int:
    """Raise the limit of open files if need be, and return how many connections it allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(1, soft - OTHER_FILES)


class ProblemResponder(ErrorResponder):
    """The responder has the application answer the server's errors with problems.

    A request that the server abandons is logged and counted once, with that response.
    """

    def abandon(self, request: Scope) -> None:
        request["state"][GIVEN_UP] = True

    def scope(self, error: ProtocolError, request: Scope | None) -> Scope:
        scope = dict(request or _unread())
        scope["state"] = {**scope["state"], REFUSED: _problem(error)}
        scope["state"].pop(GIVEN_UP, None)
        return scope


def _problem(error: ProtocolError) -> Problem:
    match error.status:
        case HTTPStatus.REQUEST_TIMEOUT:
            return Problem(REQUEST_TIMEOUT)
        case HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
            return head_too_large()
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return Problem(UNAVAILABLE, error.detail)
        case _:
            return Problem(NOT_HTTP, error.detail)


def _unread() -> Scope:
    """Return the scope of a request that the server could not parse."""
    return {
        "type": "http",
        "http_version": "1.1",
        "scheme": "http",
        "method": "_OTHER",
        "root_path": "",
        "path": "",
        "raw_path": b"",
        "query_string": b"",
        "headers": (),
        "state": {},
    }
