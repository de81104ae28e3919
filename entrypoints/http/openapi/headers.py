"""The response headers, as the OpenAPI description has them."""

from collections.abc import Mapping
from typing import Any

from entrypoints.http.schema_types import CHANGED, CURSOR_EXAMPLE, REQUEST_ID, SESSION_ID


def _header(description: str, example: str, *, required: bool = False) -> dict[str, Any]:
    schema = {"type": "string", "examples": [example]}
    return {"description": description, "required": required, "schema": schema}


HEADERS: Mapping[str, dict[str, Any]] = {
    "Accept": _header("The media types that a body may have here.", "application/json"),
    "ETag": _header(
        "The version: of a session a strong one, of a page of messages a weak one.",
        f'"{CHANGED}"',
        required=True,
    ),
    "Idempotent-Replayed": _header(
        "`true` where the first answer to this Idempotency-Key is given again.", "true"
    ),
    "Link": _header(
        "The neighbouring pages (RFC 8288), by the relations `first`, `prev`, `next` and `last`.",
        f'</sessions?limit=50&cursor={CURSOR_EXAMPLE}>; rel="next"',
    ),
    "Location": _header("Where the session is.", f"/sessions/{SESSION_ID}", required=True),
    "RateLimit": _header(
        "What is left of each allowance, for how many seconds.", '"read";r=599;t=42'
    ),
    "RateLimit-Policy": _header(
        "The caller's allowances: how many requests in how many seconds.", '"read";q=600;w=60'
    ),
    "Retry-After": _header("The seconds to wait before the next try.", "1", required=True),
    "Standby-Read": _header(
        "`true` where the primary database is away and a standby has answered: it may be a moment "
        "behind what you wrote.",
        "true",
    ),
    "WWW-Authenticate": _header(
        "What is wanted (RFC 6750), and where the identity provider is named (RFC 9728). A 401 "
        "always has it.",
        'Bearer realm="chat-sessions", resource_metadata='
        '"https://chat.example/.well-known/oauth-protected-resource"',
    ),
    "X-Request-ID": _header(
        "The id of the request, yours or a new one.", REQUEST_ID, required=True
    ),
}


def headers(*names: str) -> dict[str, Any]:
    """Return references to the headers' descriptions."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
