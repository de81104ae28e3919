"""How often a caller may ask, by the `limits` library's storages."""

from entrypoints.http.rate_limits.client_address import ClientAddresses
from entrypoints.http.rate_limits.counters import MemoryCounters, RedisCounters
from entrypoints.http.rate_limits.limits import Policy, RateLimits

__all__ = ["ClientAddresses", "MemoryCounters", "Policy", "RateLimits", "RedisCounters"]
