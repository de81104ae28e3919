"""Every route there is, who may ask it, and what its rightful caller gets. A route that nobody has
put down here fails the build."""

from typing import Any

from fastapi.routing import iter_route_contexts

from entrypoints.http.app import routed_app

SESSIONS = "/sessions"
SESSION = "/sessions/{session_id}"
MESSAGES = "/sessions/{session_id}/messages"

GATED: dict[str, dict[str, int]] = {
    SESSIONS: {"GET": 200, "POST": 201},
    SESSION: {"GET": 200, "PATCH": 200, "DELETE": 204},
    MESSAGES: {"GET": 200, "POST": 201},
}
"""What needs a token, and the status of each method's success."""

OPEN = dict.fromkeys(
    (
        "/.well-known/oauth-protected-resource",
        "/docs",
        "/docs/init.js",
        "/docs/signed-in",
        "/docs/signed-in.js",
        "/docs/style.css",
        "/docs/swagger-ui-bundle.js",
        "/docs/swagger-ui.css",
        "/livez",
        "/metrics",
        "/openapi.json",
        "/readyz",
    ),
    200,
) | {"/docs/": 308}
"""What anybody may read, and its status."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")

BODIES: dict[tuple[str, str], Any] = {
    (SESSIONS, "POST"): {"title": "new"},
    (SESSION, "PATCH"): {"title": "changed"},
    (MESSAGES, "POST"): {"messages": [{"role": "user", "content": "new"}]},
}
"""What each route takes that takes anything."""


def live_routes() -> dict[str, set[str]]:
    """The methods of every path, as the application itself has them."""
    found: dict[str, set[str]] = {}
    for route in iter_route_contexts(routed_app().routes):
        found.setdefault(route.path or "", set()).update(route.methods or ())
    return found


def classified() -> dict[str, set[str]]:
    """The same, as the tables above have them."""
    return {path: set(methods) for path, methods in GATED.items()} | {
        path: {"GET"} for path in OPEN
    }


def gated_requests() -> list[tuple[str, str]]:
    """Each path and method that needs a token."""
    return [
        (path, method)
        for path, methods in GATED.items()
        for method in (*methods, *({"HEAD"} if "GET" in methods else ()))
    ]
