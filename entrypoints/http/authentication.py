"""Authentication by bearer token (RFC 6750), and the challenge that refuses other requests."""

from dataclasses import dataclass

from authlib.oauth2.rfc6750.errors import InsufficientScopeError, InvalidTokenError
from starlette.requests import Request

from application.errors import InvalidToken
from application.ports.authenticator import Authenticator, Principal, Scope
from entrypoints.http.problem_types import INSUFFICIENT_SCOPE, UNAUTHORIZED
from entrypoints.http.problems import Problem
from entrypoints.http.rate_limits import RateLimits
from entrypoints.telemetry.metrics import Metrics
from entrypoints.telemetry.request_context import request_context

REALM = "chat-sessions"


@dataclass(frozen=True, slots=True)
class Authentication:
    """Authenticates requests. `metadata_url` is where clients learn how to get a token (RFC 9728).
    A request without a valid token counts against the limit of its address."""

    authenticator: Authenticator
    metadata_url: str
    limits: RateLimits
    metrics: Metrics

    async def principal(self, request: Request) -> Principal:
        """Authenticate the request. Raises a Problem: 401, or 429 for an address with too many."""
        try:
            principal = await self._principal(request)
        except Problem:
            await self.limits.count_peer(request)
            raise
        context = request_context(request)
        context.caller, context.actor = principal.owner, principal.actor
        context.expires_at = principal.expires_at
        return principal

    async def _principal(self, request: Request) -> Principal:
        """Verify the token. Raises a Problem: 401 (RFC 6750 section 3, RFC 9728 section 5.1)."""
        given = dict(request.scope["headers"]).get(b"authorization", b"")
        scheme, _, token = given.decode("latin-1").partition(" ")
        if not token or scheme.lower() != "bearer":
            raise self._unauthorized()
        try:
            return await self.authenticator.authenticate(token.strip(" "))
        except InvalidToken as reason:
            self.metrics.auth_failures.labels(reason.fault).inc()
            raise self._unauthorized(
                "The bearer token does not hold.",
                error=InvalidTokenError.error,
                error_description=InvalidTokenError.description,
            ) from reason

    def check_scope(self, principal: Principal, method: str) -> None:
        """Raise a Problem, 403 (RFC 6750 section 3.1), if the token lacks the method's scope."""
        needed = Scope.READ if method == "GET" else Scope.WRITE
        if needed not in principal.scopes:
            scope = principal.scope_names[needed]
            raise Problem(
                INSUFFICIENT_SCOPE,
                scope=scope,
                headers=self._challenge(
                    error=InsufficientScopeError.error,
                    error_description=InsufficientScopeError.description,
                    scope=scope,
                ),
            )

    def _unauthorized(self, detail: str | None = None, **parameters: str) -> Problem:
        return Problem(UNAUTHORIZED, detail, headers=self._challenge(**parameters))

    def _challenge(self, **parameters: str) -> dict[str, str]:
        """Return the challenge. No value may contain a quotation mark or a backslash."""
        given = {"realm": REALM, "resource_metadata": self.metadata_url, **parameters}
        listed = ", ".join(f'{name}="{value}"' for name, value in given.items())
        return {"WWW-Authenticate": f"Bearer {listed}"}
