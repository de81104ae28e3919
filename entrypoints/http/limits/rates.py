"""How often a caller may ask: fixed windows, each begun by its first request."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Literal

import structlog
from limits import RateLimitItem
from starlette.requests import Request

from domain.owner import Owner
from entrypoints.http.headers import Fields
from entrypoints.http.limits.breaker import Away, Breaker
from entrypoints.http.limits.counters import MemoryCounters, RedisCounters
from entrypoints.http.limits.peers import Peers
from entrypoints.http.measures import Measures
from entrypoints.http.problems import too_many, unavailable
from entrypoints.telemetry.observation import Observation

Policy = Literal["read", "write", "create"]

_log = structlog.get_logger("chat_sessions")


@dataclass(frozen=True, slots=True)
class _Window:
    """What is left to a caller under a policy, after the request just counted."""

    policy: str
    quota: int
    length: int
    counted: int
    seconds_left: int

    @property
    def is_spent(self) -> bool:
        return self.counted > self.quota

    @property
    def policy_field(self) -> Fields:
        policy = f'"{self.policy}";q={self.quota};w={self.length}'
        return {b"ratelimit-policy": policy.encode()}

    @property
    def fields(self) -> Fields:
        """As draft-ietf-httpapi-ratelimit-headers-10 has them."""
        remaining = max(0, self.quota - self.counted)
        state = f'"{self.policy}";r={remaining};t={self.seconds_left}'
        return {**self.policy_field, b"ratelimit": state.encode()}


class RateLimits:
    """`policies` has each one's quota and length, its name as the namespace; one that is missing
    counts nothing. What cannot be counted passes where `fails_open`, and else is 503."""

    def __init__(
        self,
        policies: Mapping[str, RateLimitItem],
        storage: MemoryCounters | RedisCounters,
        peers: Peers,
        *,
        fails_open: bool,
    ) -> None:
        self._policies = policies
        self._storage = storage
        self._peers = peers
        self._fails_open = fails_open
        faults = storage.base_exceptions
        kinds = faults if isinstance(faults, tuple) else (faults,)
        self._breaker = Breaker(kinds, self._tell) if kinds else None

    async def count_owner(self, request: Request, policy: Policy, owner: Owner) -> None:
        """Count a request whose token holds. Its answer, whatever it is, gets the fields.

        Raises the Problem of 429 or 503.
        """
        window = await self._count(request, policy, owner.key.hex)
        if window:
            request.state.headers |= window.fields
            _check(request, window)

    async def count_peer(self, request: Request) -> None:
        """Count a request without a token that holds against where it comes from.

        Raises the Problem of 429 or 503.
        """
        window = await self._count(request, "peer", self._peers.name(request))
        if window:
            _check(request, window)

    async def _count(self, request: Request, policy: str, caller: str) -> _Window | None:
        item = self._policies.get(policy)
        if item is None:
            return None
        key = item.key_for(caller)
        try:
            if self._breaker is None:
                counted, left = await self._storage.hit(key, item.get_expiry())
            else:
                async with self._breaker.call():
                    counted, left = await self._storage.hit(key, item.get_expiry())
        except Away:
            _measures(request).limiter_unavailable.add(1)
            if self._fails_open:
                return None
            raise unavailable("Requests cannot be counted just now.") from None
        seconds_left = max(1, ceil(round(left, 3)))
        return _Window(policy, item.amount, item.get_expiry(), counted, seconds_left)

    def _tell(self, away: str | None) -> None:
        if away:
            passes = "uncounted" if self._fails_open else "none"
            _log.warning("rate.limiter_unavailable", reason=away, passes=passes)
        else:
            _log.info("rate.limiter_recovered")


def _check(request: Request, window: _Window) -> None:
    if window.is_spent:
        request.state.headers |= window.policy_field
        observation: Observation = request.state.observation
        observation.policy = window.policy
        _measures(request).rate_limited.add(1, {"policy": window.policy})
        raise too_many(window.seconds_left)


def _measures(request: Request) -> Measures:
    measures: Measures = request.app.state.measures
    return measures
