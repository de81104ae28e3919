"""What every answer carries: security headers, and what lets pages of other origins read it."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from starlette.datastructures import Headers

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_EXPOSED = (
    "ETag, Idempotent-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, "
    "Standby-Read, WWW-Authenticate, X-Request-ID"
)
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "DELETE, GET, HEAD, PATCH, POST",
    "Access-Control-Allow-Headers": (
        "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, traceparent, "
        "tracestate, X-Request-ID"
    ),
    "Access-Control-Max-Age": "3600",
}


@dataclass(frozen=True, slots=True)
class AnswerHeaders:
    """`hsts_seconds` is for how long a browser keeps to HTTPS; 0 does not ask it to. `origins` are
    those whose pages may read answers, in the form that browsers send.

    Cross-Origin-Resource-Policy stays as it is: browsers apply it to requests without CORS alone
    (Fetch standard, "cross-origin resource policy check").
    """

    hsts_seconds: int
    origins: AbstractSet[str]

    def of(self, method: str, asked: Headers) -> dict[str, str]:
        """For the answer to a request; a route may have its own instead of one of these."""
        given = dict(SECURITY_HEADERS)
        if self.hsts_seconds:
            given["Strict-Transport-Security"] = f"max-age={self.hsts_seconds}"
        if not self.origins:
            return given
        given["Vary"] = "Origin"
        origin = asked.get("origin", "")
        if origin in self.origins:
            given["Access-Control-Allow-Origin"] = origin
            given["Access-Control-Expose-Headers"] = _EXPOSED
            if method == "OPTIONS" and "access-control-request-method" in asked:
                given |= _PREFLIGHT
        return given
