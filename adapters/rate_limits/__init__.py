"""Count requests against rate limits."""

from adapters.rate_limits.memory import MemoryCounters

__all__ = ["MemoryCounters"]
