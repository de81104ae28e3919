"""Writes that end by themselves, whoever is cancelled meanwhile."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Writes:
    """Writes whose callers can be cancelled at once, and which then end in the background.

    What comes next waits for those that were left behind, so that all are in order.
    """

    def __init__(self) -> None:
        self._left: set[asyncio.Task[Any]] = set()

    async def run(self, write: Callable[[], Coroutine[Any, Any, T]]) -> T:
        await self.settled()
        task = asyncio.ensure_future(write())
        task.add_done_callback(_take_exception)
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            self._left.add(task)
            task.add_done_callback(self._left.discard)
            raise
        return task.result()

    async def settled(self) -> None:
        """Wait for what was left behind in this event loop."""
        loop = asyncio.get_running_loop()
        if left := [task for task in self._left if task.get_loop() is loop]:
            await asyncio.wait(left)


def _take_exception(done: asyncio.Task[Any]) -> None:
    """Nobody may be there any more who would."""
    if not done.cancelled():
        done.exception()
