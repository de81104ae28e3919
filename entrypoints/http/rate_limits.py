"""Limit rates in fixed windows, each of which begins with a caller's first request."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Protocol

from limits import RateLimitItem
from starlette.requests import Request

from application.errors import Unavailable
from domain.owner import Owner
from entrypoints.http.client_address import ClientAddresses
from entrypoints.http.middleware.response_headers import Fields
from entrypoints.http.problem_types import RATE_LIMITED, UNAVAILABLE
from entrypoints.http.problems import Problem
from entrypoints.setting_types import OwnerPolicy
from entrypoints.telemetry.metrics import Metrics
from entrypoints.telemetry.request_context import request_context

_CALLER = "?"
"""A placeholder for the caller while a key is made."""


class Counters(Protocol):
    """The counters count requests in fixed windows."""

    async def hit(self, key: str, seconds: int) -> tuple[int, float]:
        """Count one more. Return the count, and the seconds until the window ends. Raises
        Unavailable."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Limit:
    """A limit has a policy's quota, and the parts that its keys and headers have in common."""

    policy: str
    quota: int
    seconds: int
    key: tuple[str, str]
    """The parts of a key before and after the caller."""
    field: Fields

    @classmethod
    def from_item(cls, policy: str, item: RateLimitItem) -> "_Limit":
        begin, _, end = item.key_for(_CALLER).partition(_CALLER)
        quota, seconds = item.amount, item.get_expiry()
        field = f'"{policy}";q={quota};w={seconds}'.encode()
        return cls(policy, quota, seconds, (begin, end), {b"ratelimit-policy": field})

    def key_for(self, caller: str) -> str:
        return f"{self.key[0]}{caller}{self.key[1]}"


@dataclass(frozen=True, slots=True)
class _Window:
    """A window is what is left to a caller under a limit, after the request just counted."""

    limit: _Limit
    counted: int
    seconds_left: int

    @property
    def is_spent(self) -> bool:
        return self.counted > self.limit.quota

    @property
    def fields(self) -> Fields:
        """The headers of draft-ietf-httpapi-ratelimit-headers-10."""
        remaining = max(0, self.limit.quota - self.counted)
        state = f'"{self.limit.policy}";r={remaining};t={self.seconds_left}'
        return {**self.limit.field, b"ratelimit": state.encode()}


class RateLimits:
    """The object counts requests, and refuses those over a limit.

    `policies` maps the name of each policy to its limit, whose namespace is the same name; a policy
    that is missing has no limit. While the counters are unavailable, requests pass if `fails_open`
    and are answered 503 if not.
    """

    def __init__(
        self,
        policies: Mapping[str, RateLimitItem],
        counters: Counters,
        peers: ClientAddresses,
        metrics: Metrics,
        *,
        fails_open: bool,
    ) -> None:
        self._limits = {policy: _Limit.from_item(policy, item) for policy, item in policies.items()}
        self._counters = counters
        self._peers = peers
        self._metrics = metrics
        self._fails_open = fails_open

    async def count_owner(self, request: Request, policy: OwnerPolicy, owner: Owner) -> None:
        """Count an authenticated request, whose response gets the headers of the limit.

        Raises a Problem: 429 or 503.
        """
        window = await self._count(policy, owner.key.hex)
        if window:
            request_context(request).headers |= window.fields
            self._check(request, window)

    async def count_peer(self, request: Request) -> None:
        """Count a request without a valid token against the limit of its client's address.

        Raises a Problem: 429 or 503.
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
