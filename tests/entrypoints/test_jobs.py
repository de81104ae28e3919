"""Background tasks end with the application, and do not fail unseen."""

import asyncio

from structlog.testing import capture_logs

from entrypoints.jobs import running


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
