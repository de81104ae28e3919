"""Waiting for a state, never for a time: how every test waits for what takes a moment."""

import asyncio
import time
from collections.abc import Callable
from inspect import isawaitable
from typing import TypeVar

WAIT_SECONDS = 120
"""The bound of a wait. It counts only where something is broken: a busy machine is far below it."""

POLL_SECONDS = 0.02

T = TypeVar("T")


def wait_until(find: Callable[[], T | None], about: Callable[[], object] = str) -> T:
    """Call it until it gives something true, and return that. Where nothing comes, the error says
    what `about` gives then."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := find()):
        assert time.monotonic() < deadline, about()
        time.sleep(POLL_SECONDS)
    return found


async def await_until(find: Callable[[], object], about: Callable[[], object] = str) -> None:
    """Call it, and await it where it is asynchronous, until it gives something true."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not await _result(find):
        assert time.monotonic() < deadline, about()
        await asyncio.sleep(POLL_SECONDS)


async def _result(find: Callable[[], object]) -> object:
    found = find()
    return await found if isawaitable(found) else found
