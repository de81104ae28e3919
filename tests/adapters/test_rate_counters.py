"""Counts in memory, within a bound."""

import pytest

from adapters.rate_limits.memory import KEYS_MAX, MemoryCounters
from tests.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def counters(clock: ManualClock) -> MemoryCounters:
    return MemoryCounters(keys_max=3, now=clock.seconds)


async def counted(counters: MemoryCounters, key: str) -> int:
    return (await counters.hit(key, 10))[0]


async def test_a_window_begins_with_its_first_request_and_ends_its_length_later(
    counters: MemoryCounters, clock: ManualClock
) -> None:
    assert await counters.hit("read/a", 10) == (1, 10)
    clock.move(9)
    count, left = await counters.hit("read/a", 10)
    assert (count, round(left, 3)) == (2, 1)
    clock.move(0.999)
    assert await counted(counters, "read/a") == 3
    clock.move(0.001)
    assert await counters.hit("read/a", 10) == (1, 10)


async def test_the_one_more_that_comes_makes_the_first_to_end_forgotten(
    counters: MemoryCounters, clock: ManualClock
) -> None:
    for caller in "abcd":
        await counted(counters, f"read/{caller}")
        clock.move(1)
    assert [await counted(counters, f"read/{caller}") for caller in "bcd"] == [2, 2, 2]
    assert await counted(counters, "read/a") == 1


async def test_no_policys_callers_make_anothers_forgotten(counters: MemoryCounters) -> None:
    await counted(counters, "read/a")
    for caller in range(100):
        await counted(counters, f"peer/{caller}")
    assert await counted(counters, "read/a") == 2


async def test_what_has_ended_makes_room(counters: MemoryCounters, clock: ManualClock) -> None:
    for _ in range(5):
        for caller in "abc":
            assert await counted(counters, f"read/{caller}") == 1
        clock.move(10)


async def test_without_being_told_it_remembers_as_many_as_a_process_can_serve() -> None:
    counters = MemoryCounters()
    for caller in range(KEYS_MAX + 1):
        await counters.hit(f"read/{caller}", 3600)
    assert await counted(counters, "read/1") == 2
    assert await counted(counters, "read/0") == 1
