"""Count in Redis, for all processes that share it, with the `limits` library."""

from collections.abc import Callable

from limits.aio.storage import RedisStorage
from redis.asyncio import ConnectionPool, Redis, RedisError
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from adapters.rate_limits.circuit_breaker import CALLS_MAX, CircuitBreaker


class RedisCounters(RedisStorage):
    """Redis counters are in the server at `url`, and in its time.

    The URL is redis://USER:PASSWORD@HOST:PORT/NUMBER, or rediss:// for TLS. `on_state_change` is
    documented at CircuitBreaker.
    """

    STORAGE_SCHEME = None  # type: ignore[assignment]  # it is not found by an address

    def __init__(self, url: str, on_state_change: Callable[[str | None], None]) -> None:
        self._pool = ConnectionPool.from_url(
            url,
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
        self._breaker = CircuitBreaker((RedisError,), on_state_change)

    async def hit(self, key: str, seconds: int) -> tuple[int, float]:
        """Count one more. Return the count, and the seconds until the window ends, to the
        millisecond. Raises Unavailable."""
        async with self._breaker.call():
            counted = await self.incr(key, seconds)
            left: int = await self._redis.pttl(self.bridge.prefixed_key(key))
            return counted, max(0, left) / 1000

    async def close(self) -> None:
        await self._pool.aclose()
