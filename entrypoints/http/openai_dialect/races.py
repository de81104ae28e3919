"""Writes that hold only for the version of a conversation that was read."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from application.errors import Unavailable
from domain.errors import VersionMismatch

T = TypeVar("T")

PATIENCE_SECONDS = 10
"""How long it is tried again while others write to the conversation."""

FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.3


async def while_others_write(attempt: Callable[[], Awaitable[T]]) -> T:
    """Attempt a write until nobody has changed the conversation meanwhile, after pauses that grow.

    Raises Unavailable when the patience is at its end, and whatever else the attempt raises.
    """
    latest = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    pause = FIRST_PAUSE_SECONDS
    while asyncio.get_running_loop().time() < latest:
        with suppress(VersionMismatch):
            return await attempt()
        await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - not a secret
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
    raise Unavailable("the conversation changes again and again")
