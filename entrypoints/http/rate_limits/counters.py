"""Where requests are counted: storages of the `limits` library, for one process and for many."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from limits.aio.storage import RedisStorage, Storage

from entrypoints.http.rate_limits.circuit_breaker import CALLS_MAX

KEYS_MAX = 50_000
"""Callers whom a policy remembers in memory: more than one process serves in a minute."""

Now = Callable[[], float]


@dataclass(slots=True)
class _Windows:
    """One policy's windows. All are equally long, so they end in the order they began in."""

    open: dict[str, tuple[int, float]] = field(default_factory=dict)
    """The count and the end of each."""
    order: deque[str] = field(default_factory=deque)

    def forget_first(self) -> None:
        del self.open[self.order.popleft()]

    def forget_ended(self, now: float) -> None:
        while self.order and self.open[self.order[0]][1] <= now:
            self.forget_first()


class MemoryCounters(Storage):
    """Counts of this process alone, in bounded memory.

    The library's own looks at every key with each hit, and has no bound. Here a key's part before
    the first slash is its policy, which remembers `keys_max` callers. One more, and the caller
    whose window ends first is forgotten: those of another policy never are. `now` gives seconds
    that do not go back.
    """

    STORAGE_SCHEME = None
    base_exceptions = ()

    def __init__(self, keys_max: int = KEYS_MAX, now: Now = time.monotonic) -> None:
        super().__init__()
        self._keys_max = keys_max
        self._now = now
        self._policies: dict[str, _Windows] = {}

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        windows = self._windows(key)
        if key not in windows.open:
            if len(windows.open) >= self._keys_max:
                windows.forget_first()
            windows.order.append(key)
        count, end = windows.open.get(key, (0, self._now() + expiry))
        windows.open[key] = (count + amount, end)
        return count + amount

    async def hit(self, key: str, expiry: float) -> tuple[int, float]:
        """The same by one, and the seconds until the window ends."""
        now = self._now()
        windows = self._windows(key, now)
        found = windows.open.get(key)
        if found is None:
            await self.incr(key, expiry)
            return 1, expiry
        count, end = found
        windows.open[key] = (count + 1, end)
        return count + 1, end - now

    async def get(self, key: str) -> int:
        return self._windows(key).open.get(key, (0, 0.0))[0]

    async def get_expiry(self, key: str) -> float:
        now = self._now()
        return time.time() + self._windows(key).open.get(key, (0, now))[1] - now

    async def clear(self, key: str) -> None:
        windows = self._windows(key)
        if windows.open.pop(key, None):
            windows.order.remove(key)

    async def reset(self) -> int:
        forgotten = sum(len(windows.open) for windows in self._policies.values())
        self._policies.clear()
        return forgotten

    async def check(self) -> bool:
        return True

    async def aclose(self) -> None:
        """There is nothing to let go of."""

    def _windows(self, key: str, now: float | None = None) -> _Windows:
        policy = key.partition("/")[0]
        windows = self._policies.get(policy)
        if windows is None:
            windows = self._policies[policy] = _Windows()
        windows.forget_ended(self._now() if now is None else now)
        return windows


class RedisCounters(RedisStorage):
    """Counts that every process with the same Redis shares. It counts in the time of that server.

    An address is redis://USER:PASSWORD@HOST:PORT/NUMBER, or rediss:// for TLS.
    """

    STORAGE_SCHEME = None  # type: ignore[assignment]  # it is not found by an address

    def __init__(self, address: str) -> None:
        # Half a second of imports, for those who use it.
        from redis.asyncio import ConnectionPool, Redis  # noqa: PLC0415
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415

        self._pool = ConnectionPool.from_url(
            address,
            max_connections=CALLS_MAX,
            retry=Retry(NoBackoff(), 1),
            protocol=2,
            driver_info=None,
        )
        super().__init__(
            "redis://",
            implementation="redispy",
            key_prefix="chat-sessions",
            connection_pool=self._pool,  # type: ignore[arg-type]  # it is only handed on
        )
        self._redis = Redis(connection_pool=self._pool)

    async def get_expiry(self, key: str) -> float:
        """To the millisecond; the library's is to the second, and may be early."""
        left: int = await self._redis.pttl(self.bridge.prefixed_key(key))
        return time.time() + max(0, left) / 1000

    async def hit(self, key: str, expiry: int) -> tuple[int, float]:
        """The count after one more, and the seconds until the window ends."""
        counted = await self.incr(key, expiry)
        return counted, await self.get_expiry(key) - time.time()

    async def aclose(self) -> None:
        await self._pool.aclose()
