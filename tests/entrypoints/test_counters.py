"""Counts in memory: what the `limits` library asks of a storage, within a bound."""

import time

import pytest

from entrypoints.http.rate_limits.counters import KEYS_MAX, MemoryCounters
from tests.clock import ManualClock

ROUNDED = 0.001


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def counters(clock: ManualClock) -> MemoryCounters:
    return MemoryCounters(keys_max=3, now=clock.seconds)


async def test_a_window_begins_with_its_first_request_and_ends_its_length_later(
    counters: MemoryCounters, clock: ManualClock
) -> None:
    assert await counters.incr("read/a", 10) == 1
    clock.move(9)
    assert await counters.incr("read/a", 10, amount=2) == 3
    assert await counters.get("read/a") == 3
    before = time.time()
    assert before < await counters.get_expiry("read/a") - 1 + ROUNDED < time.time() + 2 * ROUNDED
    clock.move(0.999)
    assert await counters.incr("read/a", 10) == 4
    clock.move(0.001)
    assert await counters.get("read/a") == 0
    assert await counters.incr("read/a", 10) == 1
    clock.move(9.999)
    assert await counters.get("read/a") == 1


async def test_the_one_more_that_comes_makes_the_first_to_end_forgotten(
    counters: MemoryCounters, clock: ManualClock
) -> None:
    for caller in "abcd":
        for _ in range(2):
            await counters.incr(f"read/{caller}", 10)
        clock.move(1)
    assert [await counters.get(f"read/{caller}") for caller in "abcd"] == [0, 2, 2, 2]
    assert await counters.incr("read/b", 10) == 3
    assert [await counters.get(f"read/{caller}") for caller in "abcd"] == [0, 3, 2, 2]


async def test_no_policys_callers_make_anothers_forgotten(counters: MemoryCounters) -> None:
    await counters.incr("read/a", 10)
    for caller in range(100):
        await counters.incr(f"peer/{caller}", 10)
    assert await counters.get("read/a") == 1
    assert await counters.reset() == 4


async def test_what_has_ended_makes_room_and_leaves_nothing_behind(
    counters: MemoryCounters, clock: ManualClock
) -> None:
    for _ in range(5):
        for caller in "abc":
            await counters.incr(f"read/{caller}", 10)
        clock.move(10)
    assert await counters.incr("read/d", 10) == 1
    assert await counters.reset() == 1


async def test_a_key_and_all_of_them_can_be_cleared(
    counters: MemoryCounters, clock: ManualClock
) -> None:
    for caller in "bba":
        await counters.incr(f"read/{caller}", 10)
    await counters.clear("read/b")
    await counters.clear("read/c")
    assert await counters.get("read/b") == 0
    clock.move(5)
    assert await counters.incr("read/b", 10) == 1
    clock.move(9)
    assert await counters.get("read/b") == 1
    assert await counters.incr("read/a", 10) == 1
    clock.move(1)
    assert await counters.get("read/b") == 0
    assert await counters.incr("read/b", 10) == 1
    assert await counters.reset() == 2
    assert await counters.get("read/a") == 0
    assert await counters.check()


async def test_without_a_window_its_end_is_now(counters: MemoryCounters) -> None:
    before = time.time()
    assert before < await counters.get_expiry("read/a") + ROUNDED < time.time() + 2 * ROUNDED


async def test_without_being_told_it_remembers_as_many_as_a_process_can_serve() -> None:
    counters = MemoryCounters()
    for caller in range(KEYS_MAX + 1):
        await counters.incr(f"read/{caller}", 3600)
    assert await counters.get("read/0") == 0
    assert await counters.get("read/1") == 1
