"""How often a caller may ask, by the `limits` library's storages."""

from entrypoints.http.limits.counters import MemoryCounters, RedisCounters
from entrypoints.http.limits.peers import Peers
from entrypoints.http.limits.rates import Policy, RateLimits

__all__ = ["MemoryCounters", "Peers", "Policy", "RateLimits", "RedisCounters"]
