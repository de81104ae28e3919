"""How often a caller may ask: fixed windows, each begun by its first request."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Literal, Protocol

from limits import RateLimitItem
from starlette.requests import Request

from application.errors import Unavailable
from domain.owner import Owner
from entrypoints.http.client_address import ClientAddresses
from entrypoints.http.middleware.response_headers import Fields
from entrypoints.http.problem_types import RATE_LIMITED, UNAVAILABLE
from entrypoints.http.problems import Problem
from entrypoints.telemetry.metrics import Metrics
from entrypoints.telemetry.request_context import request_context

Policy = Literal["read", "write", "create"]

_CALLER = "?"
"""Where a caller's name goes."""


class Counters(Protocol):
    """Where requests are counted, in fixed windows."""

    async def hit(self, key: str, seconds: int) -> tuple[int, float]:
        """Count one more. Return the count, and the seconds until the window ends. Raises
        Unavailable."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Limit:
    """A policy, and what is the same in each of its keys and fields."""

    policy: str
    quota: int
    seconds: int
    key: tuple[str, str]
    """What comes before and after the caller."""
    field: Fields

    @classmethod
    def of(cls, policy: str, item: RateLimitItem) -> "_Limit":
        begin, _, end = item.key_for(_CALLER).partition(_CALLER)
        quota, seconds = item.amount, item.get_expiry()
        field = f'"{policy}";q={quota};w={seconds}'.encode()
        return cls(policy, quota, seconds, (begin, end), {b"ratelimit-policy": field})

    def key_for(self, caller: str) -> str:
        return f"{self.key[0]}{caller}{self.key[1]}"


@dataclass(frozen=True, slots=True)
class _Window:
    """What is left to a caller under a limit, after the request just counted."""

    limit: _Limit
    counted: int
    seconds_left: int

    @property
    def is_spent(self) -> bool:
        return self.counted > self.limit.quota

    @property
    def fields(self) -> Fields:
        """As draft-ietf-httpapi-ratelimit-headers-10 has them."""
        remaining = max(0, self.limit.quota - self.counted)
        state = f'"{self.limit.policy}";r={remaining};t={self.seconds_left}'
        return {**self.limit.field, b"ratelimit": state.encode()}


class RateLimits:
    """`policies` has each one's quota and length, its name as the namespace; one that is missing
    counts nothing. What cannot be counted passes where `fails_open`, and else is 503."""

    def __init__(
        self,
        policies: Mapping[str, RateLimitItem],
        counters: Counters,
        peers: ClientAddresses,
        metrics: Metrics,
        *,
        fails_open: bool,
    ) -> None:
        self._limits = {policy: _Limit.of(policy, item) for policy, item in policies.items()}
        self._counters = counters
        self._peers = peers
        self._metrics = metrics
        self._fails_open = fails_open

    async def count_owner(self, request: Request, policy: Policy, owner: Owner) -> None:
        """Count a request whose token holds. Its answer, whatever it is, gets the fields.

        Raises the Problem of 429 or 503.
        """
        window = await self._count(policy, owner.key.hex)
        if window:
            request_context(request).headers |= window.fields
            self._check(request, window)

    async def count_peer(self, request: Request) -> None:
        """Count a request without a token that holds against where it comes from.

        Raises the Problem of 429 or 503.
        """
        window = await self._count("peer", self._peers.name(request))
        if window:
            self._check(request, window)

    async def _count(self, policy: str, caller: str) -> _Window | None:
        limit = self._limits.get(policy)
        if limit is None:
            return None
        try:
            counted, left = await self._counters.hit(limit.key_for(caller), limit.seconds)
        except Unavailable:
            self._metrics.limiter_unavailable.inc()
            if self._fails_open:
                return None
            raise Problem(UNAVAILABLE, "Requests cannot be counted just now.") from None
        seconds_left = max(1, ceil(round(left, 3)))
        return _Window(limit, counted, seconds_left)

    def _check(self, request: Request, window: _Window) -> None:
        if not window.is_spent:
            return
        context = request_context(request)
        context.headers |= window.limit.field
        context.policy = window.limit.policy
        self._metrics.rate_limited.labels(window.limit.policy).inc()
        raise Problem(RATE_LIMITED, headers={"Retry-After": str(window.seconds_left)})
