"""Background tasks end with the application, and do not fail unseen."""

import asyncio

from structlog.testing import capture_logs

from application.errors import Unavailable
from entrypoints.jobs import repeated, running


async def test_jobs_run_until_the_application_ends() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def waits() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with running({"waits": waits}):
        await begun.wait()
    assert ended.is_set()


async def test_a_job_that_fails_is_told_and_ends_no_other() -> None:
    done = asyncio.Event()

    async def fails() -> None:
        raise ZeroDivisionError

    async def goes_on() -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        done.set()

    with capture_logs() as lines:
        async with running({"fails": fails, "goes on": goes_on}):
            await done.wait()
    assert [(line["event"], line["job"]) for line in lines] == [("job.failed", "fails")]


async def test_work_is_repeated_whatever_became_of_it() -> None:
    """While the storage is away it waits unseen; another failure is told."""
    outcomes = iter([Unavailable("away"), ZeroDivisionError(), None])
    done = asyncio.Event()

    async def work() -> None:
        outcome = next(outcomes)
        if outcome is not None:
            raise outcome
        done.set()
        await asyncio.Event().wait()

    with capture_logs() as lines:
        async with running({"work": repeated("work", work, 0)}):
            await done.wait()
    assert [(line["event"], line["job"]) for line in lines] == [("job.failed", "work")]
