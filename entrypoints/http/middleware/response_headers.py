"""The headers that every response has: security headers, and CORS."""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from starlette.datastructures import Headers

Fields = dict[bytes, bytes]
"""Headers as ASGI has them, by name in lower case."""

SECURITY_HEADERS = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
}

_EXPOSED = (
    b"ETag, Idempotent-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, "
    b"Standby-Read, WWW-Authenticate, X-Request-ID"
)
_PREFLIGHT = {
    b"access-control-allow-methods": b"DELETE, GET, HEAD, PATCH, POST, PUT",
    b"access-control-max-age": b"3600",
}
_HEADER_NAMES = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z, \t-]*")
"""The pattern of a list of names (RFC 9110 section 5.6.1)."""


@dataclass(frozen=True, slots=True)
class ResponseHeaders:
    """The object makes the headers that every response has.

    `hsts_seconds` is how long a browser keeps to HTTPS; with 0 there is no such header. `origins`
    are the origins whose pages may read responses, as browsers send them.

    Cross-Origin-Resource-Policy stays as it is: browsers apply it to requests without CORS alone
    (Fetch standard, "cross-origin resource policy check").
    """

    hsts_seconds: int
    origins: AbstractSet[str]

    def for_request(self, method: str, request: Headers) -> Fields:
        """Return the headers of the response to a request. A route's own header goes first."""
        fields = dict(SECURITY_HEADERS)
        if self.hsts_seconds:
            fields[b"strict-transport-security"] = b"max-age=%d" % self.hsts_seconds
        if not self.origins:
            return fields
        fields[b"vary"] = b"Origin"
        origin = request.get("origin", "")
        if origin in self.origins:
            fields[b"access-control-allow-origin"] = origin.encode("latin-1")
            fields[b"access-control-expose-headers"] = _EXPOSED
            if is_preflight(method, request):
                fields |= _PREFLIGHT
                # By name, since a wildcard does not include Authorization (Fetch standard).
                names = request.get("access-control-request-headers", "")
                if _HEADER_NAMES.fullmatch(names):
                    fields[b"access-control-allow-headers"] = names.encode("latin-1")
        return fields


def is_preflight(method: str, headers: Headers) -> bool:
    """Return whether a browser asks if it may send a request (Fetch standard, "CORS-preflight")."""
    return method == "OPTIONS" and "access-control-request-method" in headers
