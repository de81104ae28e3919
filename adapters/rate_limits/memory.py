import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

KEYS_MAX = 50_000
"""The most callers that a policy remembers: more than one process serves in a minute."""


@dataclass(slots=True)
class _Windows:
    """A policy's windows are all equally long, so they end in the order in which they began."""

    open: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Each window's count and end."""
    order: deque[str] = field(default_factory=deque)

    def forget_first(self) -> None:
        del self.open[self.order.popleft()]

    def forget_ended(self, now: float) -> None:
        while self.order and self.open[self.order[0]][1] <= now:
            self.forget_first()


class MemoryCounters:
    """These counters are one process's own, in bounded memory.

    A key's part before the first slash is its policy, which remembers `keys_max` callers. With one
    more, that policy's caller whose window ends first is forgotten. `now` returns seconds that do
    not go back.
    """

    def __init__(self, keys_max: int = KEYS_MAX, now: Callable[[], float] = time.monotonic) -> None:
        self._keys_max = keys_max
        self._now = now
        self._policies: dict[str, _Windows] = {}

    async def hit(self, key: str, seconds: float) -> tuple[int, float]:
        """Count one more. Return the count, and the seconds until the window ends."""
        now = self._now()
        windows = self._policies.setdefault(key.partition("/")[0], _Windows())
        windows.forget_ended(now)
        if key not in windows.open:
            if len(windows.open) >= self._keys_max:
                windows.forget_first()
            windows.order.append(key)
        count, end = windows.open.get(key, (0, now + seconds))
        windows.open[key] = (count + 1, end)
        return count + 1, end - now

    async def close(self) -> None:
        """There is nothing to let go of."""
