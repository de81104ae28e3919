"""Every route there is, said once for all tests that ask each of them: a new one is put down here,
and a test fails until it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import iter_route_contexts

from entrypoints.http.app import routed_app

SESSIONS = "/sessions"
SESSION = "/sessions/{session_id}"
MESSAGES = "/sessions/{session_id}/messages"
MESSAGE = "/sessions/{session_id}/messages/{message_order}"
EVENTS = "/sessions/{session_id}/events"

DELETIONS = "/sessions/deletions"
SEARCH = "/search"

SAID = {"role": "user", "content": "new"}


class Lines(str):
    """A body of lines of JSON. It is given as if it was JSON, and `sendable` sends it as it is."""

    __slots__ = ()


def sendable(request: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a request to the client, where its body may be lines."""
    lines = request.get("json")
    if not isinstance(lines, Lines):
        return request
    headers = request.get("headers") or {}
    pairs = [*(headers.items() if isinstance(headers, Mapping) else headers)]
    pairs.append(("Content-Type", "application/x-ndjson"))
    whole = dict(pairs) if isinstance(headers, Mapping) else pairs
    return {**request, "json": None, "content": lines.encode(), "headers": whole}


@dataclass(frozen=True, kw_only=True)
class Route:
    """One that needs a token, and what its rightful caller gets."""

    operation: str
    method: str
    path: str
    body: Any = None
    changes: bool = True
    """Whether it leaves the storage otherwise, where it is no GET."""
    query: str = ""
    """What its query must have."""
    status: int = 200
    event: str
    """What the log calls a success."""
    policy: str = "read"
    """The rate limit that it counts under."""
    statements: tuple[int, int] = (1, 1)
    """How many it runs on SQLite and on PostgreSQL, for a person who has a session. A transaction's
    end counts as one."""
    integers: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    """The parameters of its query: whole numbers, and those that have a few values."""
    others: tuple[str, ...] = ()

    @property
    def is_of_session(self) -> bool:
        return "{session_id}" in self.path

    @property
    def scope(self) -> str:
        return "chat:read" if self.method == "GET" else "chat:write"

    @property
    def methods(self) -> tuple[str, ...]:
        return ("GET", "HEAD") if self.method == "GET" else (self.method,)

    @property
    def parameters(self) -> set[str]:
        return {*self.integers, *self.words, *self.others}

    def target(self, session_id: str) -> str:
        """With the session's first message, where it is about one."""
        path = self.path.replace("{session_id}", session_id).replace("{message_order}", "1")
        return f"{path}?{self.query}" if self.query else path


ROUTES = (
    Route(
        operation="listSessions",
        method="GET",
        path=SESSIONS,
        event="sessions.listed",
        integers=("limit", "offset"),
        words=("sort_by", "sort_order", "archived", "pinned"),
        others=("cursor", "external_id", "updated_after", "updated_before"),
    ),
    Route(
        operation="createSession",
        method="POST",
        path=SESSIONS,
        body={"title": "new", "messages": [SAID]},
        status=201,
        event="session.created",
        policy="create",
        statements=(4, 1),
    ),
    Route(operation="getSession", method="GET", path=SESSION, event="session.read"),
    Route(
        operation="updateSession",
        method="PATCH",
        path=SESSION,
        body={"title": "changed"},
        event="session.updated",
        policy="write",
        statements=(3, 3),
    ),
    Route(
        operation="listMessages",
        method="GET",
        path=MESSAGES,
        event="messages.read",
        integers=("limit", "offset", "after", "before", "around", "wait"),
        words=("sort_by", "sort_order", "view"),
    ),
    Route(operation="followSession", method="GET", path=EVENTS, event="session.followed"),
    Route(
        operation="appendMessages",
        method="POST",
        path=MESSAGES,
        body={"messages": [SAID]},
        status=201,
        event="messages.appended",
        policy="write",
        statements=(3, 1),
        words=("create", "existing"),
    ),
    Route(operation="getMessage", method="GET", path=MESSAGE, event="message.read"),
    Route(
        operation="putMessage",
        method="PUT",
        path=MESSAGE,
        body=SAID,
        event="message.put",
        policy="write",
        statements=(4, 1),
    ),
    Route(
        operation="removeMessage",
        method="DELETE",
        path=MESSAGE,
        event="message.removed",
        policy="write",
        statements=(7, 7),
    ),
    Route(
        operation="clearMessages",
        method="DELETE",
        path=MESSAGES,
        status=204,
        event="messages.cleared",
        policy="write",
        statements=(6, 6),
        integers=("before",),
    ),
    Route(
        operation="search",
        method="GET",
        path=SEARCH,
        query="q=nobodysaid",
        event="search.done",
        statements=(2, 2),
        integers=("limit",),
        others=("q", "session_id", "cursor"),
    ),
    Route(
        operation="deleteSessions",
        method="POST",
        path=DELETIONS,
        body={"all": True, "dry_run": True},
        changes=False,
        event="sessions.deleted",
        policy="write",
        statements=(2, 2),
    ),
    Route(
        operation="exportSessions",
        method="GET",
        path="/export",
        event="sessions.exported",
        statements=(2, 2),
        others=("session_id",),
    ),
    Route(
        operation="importSessions",
        method="POST",
        path="/import",
        body=Lines('{"type": "session"}\n{"type": "message", "role": "user", "content": "new"}'),
        event="sessions.imported",
        policy="write",
        statements=(4, 1),
    ),
    Route(
        operation="deleteSession",
        method="DELETE",
        path=SESSION,
        status=204,
        event="session.deleted",
        policy="write",
        statements=(4, 1),
    ),
)
"""The last one takes away what the others are about."""

ROUTE = {route.operation: route for route in ROUTES}

OPEN: Mapping[str, tuple[str | None, int]] = {
    "/.well-known/oauth-protected-resource": ("getProtectedResource", 200),
    "/docs": (None, 200),
    "/docs/": (None, 308),
    "/docs/init.js": (None, 200),
    "/docs/signed-in": (None, 200),
    "/docs/signed-in.js": (None, 200),
    "/docs/style.css": (None, 200),
    "/docs/swagger-ui-bundle.js": (None, 200),
    "/docs/swagger-ui.css": (None, 200),
    "/livez": ("getLiveness", 200),
    "/metrics": ("getMetrics", 200),
    "/openapi.json": (None, 200),
    "/readyz": ("getReadiness", 200),
}
"""What anybody may read: its operation, where it is described, and its status."""

OPERATIONS = {*ROUTE, *(name for name, _ in OPEN.values() if name)}

PATHS = tuple(dict.fromkeys(route.path for route in ROUTES))
"""Of what needs a token."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")


def routes_at(path: str) -> dict[str, Route]:
    """By method; HEAD is answered as GET is."""
    return {method: route for route in ROUTES if route.path == path for method in route.methods}


def allowed_at(path: str) -> str:
    """What `Allow` says."""
    return ", ".join(sorted({*(routes_at(path) or ("GET", "HEAD")), "OPTIONS"}))


def requests(session_id: str) -> list[tuple[str, str, Any]]:
    """Method, target and body of each request that needs a token, HEAD among them."""
    return [
        (method, route.target(session_id), route.body)
        for route in ROUTES
        for method in route.methods
    ]


def live_routes() -> set[tuple[str, str, str | None, frozenset[str]]]:
    """As the application itself has them: path, method, operation, parameters of the query."""
    return {
        (route.path_format or "", method, route.operation_id, _query(route))
        for route in iter_route_contexts(routed_app().routes)
        for method in route.methods or ()
        if route.path
    }


def _query(route: Any) -> frozenset[str]:
    elsewhere = (params.Path, params.Header, params.Cookie)
    fields = get_flat_params(route.dependant)
    return frozenset(field.alias for field in fields if not isinstance(field.field_info, elsewhere))


def known_routes() -> set[tuple[str, str, str | None, frozenset[str]]]:
    """The same, as the tables above have them."""
    return {
        (route.path, route.method, route.operation, frozenset(route.parameters)) for route in ROUTES
    } | {(path, "GET", name, frozenset()) for path, (name, _) in OPEN.items()}
