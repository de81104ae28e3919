"""Calls to something that may be away."""

import asyncio
import time
from ssl import SSLCertVerificationError

import pytest

from adapters.rate_limits.circuit_breaker import CALLS_MAX, CircuitBreaker, CircuitOpen
from tests.clock import ManualClock
from tests.waiting import WAIT_SECONDS

Changes = list[str | None]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def changes() -> Changes:
    return []


@pytest.fixture
def breaker(clock: ManualClock, changes: Changes) -> CircuitBreaker:
    return CircuitBreaker((KeyError,), changes.append, clock.seconds)


async def fail(breaker: CircuitBreaker, error: Exception) -> str:
    """What it is away for."""
    with pytest.raises(CircuitOpen) as away:
        async with breaker.call():
            raise error
    return str(away.value)


async def is_tried(breaker: CircuitBreaker) -> bool:
    try:
        async with breaker.call():
            return True
    except CircuitOpen:
        return False


@pytest.mark.parametrize("error", [KeyError("secret"), OSError("secret"), TimeoutError()])
async def test_what_means_that_it_is_away_is_told_by_its_kind_alone(
    breaker: CircuitBreaker, changes: Changes, error: Exception
) -> None:
    assert await fail(breaker, error) == type(error).__name__
    assert changes == [type(error).__name__]


async def test_a_failure_is_told_with_the_kind_of_its_cause(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    untrusted = SSLCertVerificationError("secret")
    untrusted.verify_message = "self-signed certificate"
    for cause, told in (
        (ConnectionRefusedError("secret"), "OSError: ConnectionRefusedError"),
        (untrusted, "OSError: SSLCertVerificationError, self-signed certificate"),
        (OSError("secret"), "OSError"),  # as redis-py wraps a time that is over
    ):
        error = OSError("secret")
        error.__cause__ = cause
        assert await fail(breaker, error) == told
        clock.move(1)


async def test_a_call_that_takes_too_long_has_no_cause(breaker: CircuitBreaker) -> None:
    with pytest.raises(CircuitOpen, match=r"^TimeoutError$"):
        async with breaker.call():
            await asyncio.sleep(WAIT_SECONDS)


async def test_any_other_error_is_an_error(breaker: CircuitBreaker, changes: Changes) -> None:
    with pytest.raises(ZeroDivisionError):
        async with breaker.call():
            raise ZeroDivisionError
    assert await is_tried(breaker)
    assert changes == []


async def test_after_a_failure_one_call_a_second_is_tried(
    breaker: CircuitBreaker, clock: ManualClock, changes: Changes
) -> None:
    await fail(breaker, OSError())
    for _ in range(3):
        clock.move(0.999)
        assert not await is_tried(breaker)
        clock.move(0.001)
        async with asyncio.timeout(WAIT_SECONDS):
            await asyncio.gather(*(during_another(breaker) for _ in range(3)))
    assert changes == ["OSError"]


async def during_another(breaker: CircuitBreaker) -> None:
    """Of those that come together only the first is tried; it fails."""
    try:
        async with breaker.call():
            assert not await is_tried(breaker)
            raise OSError
    except CircuitOpen:
        pass


async def test_the_first_success_lets_all_through_again(
    breaker: CircuitBreaker, clock: ManualClock, changes: Changes
) -> None:
    await fail(breaker, OSError())
    clock.move(1)
    assert await is_tried(breaker)
    assert await is_tried(breaker)
    assert changes == ["OSError", None]
    await fail(breaker, KeyError())
    assert changes == ["OSError", None, "KeyError"]


async def test_a_call_ends_after_a_quarter_of_a_second(breaker: CircuitBreaker) -> None:
    began = time.monotonic()
    with pytest.raises(CircuitOpen, match="TimeoutError"):
        async with breaker.call():
            await asyncio.sleep(WAIT_SECONDS)
    assert 0.2 < time.monotonic() - began < WAIT_SECONDS / 2


async def test_a_loop_that_is_late_itself_does_not_make_an_answer_too_late(
    breaker: CircuitBreaker,
) -> None:
    """Other requests hold the loop up for more than a quarter of a second, again and again."""

    async def answer() -> None:
        for _ in range(4):
            await asyncio.sleep(0)

    async def hold_up() -> None:
        for _ in range(4):
            time.sleep(0.15)
            await asyncio.sleep(0)

    async with breaker.call():
        await asyncio.gather(answer(), hold_up(), hold_up())


async def test_few_calls_are_made_at_a_time(breaker: CircuitBreaker) -> None:
    at_once, most = 0, 0

    async def call() -> None:
        nonlocal at_once, most
        async with breaker.call():
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0)
            at_once -= 1

    await asyncio.gather(*(call() for _ in range(50)))
    assert most == CALLS_MAX


async def test_one_that_waited_for_its_turn_is_not_tried_once_it_is_away(
    breaker: CircuitBreaker,
) -> None:
    """So nobody waits for longer than one call may take."""
    tried = 0

    async def call() -> None:
        nonlocal tried
        async with breaker.call():
            tried += 1
            await asyncio.sleep(WAIT_SECONDS)

    calls = await asyncio.gather(*(call() for _ in range(100)), return_exceptions=True)
    assert tried == CALLS_MAX
    assert all(isinstance(outcome, CircuitOpen) for outcome in calls)


async def test_a_call_that_is_cancelled_says_nothing_of_the_far_side(
    breaker: CircuitBreaker, changes: Changes
) -> None:
    async def call() -> None:
        async with breaker.call():
            await asyncio.sleep(WAIT_SECONDS)

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert changes == []
    assert await is_tried(breaker)
