"""Run the background tasks of an application, which its lifespan starts and stops."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog

from application.errors import Unavailable

Job = Callable[[], Coroutine[Any, Any, None]]
"""A job runs until it is cancelled, or until it has nothing left to do."""

_log = structlog.get_logger("chat_sessions")


@asynccontextmanager
async def running(jobs: Mapping[str, Job]) -> AsyncIterator[None]:
    """Run the jobs, by their names, inside `async with`. One that fails is logged."""
    tasks = [asyncio.create_task(job(), name=name) for name, job in jobs.items()]
    for task in tasks:
        task.add_done_callback(_log_failure)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def repeated(name: str, work: Callable[[], Awaitable[None]], interval: float) -> Job:
    """Return a job that does some work again and again, with so many seconds in between. While the
    storage is away the work waits; any other failure is logged, and the work goes on."""

    async def repeat() -> None:
        while True:
            try:
                with suppress(Unavailable):
                    await work()
            except Exception:  # noqa: BLE001 - whatever it was
                _log.exception("job.failed", job=name)
            await asyncio.sleep(interval)

    return repeat


def _log_failure(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _log.error("job.failed", job=task.get_name(), exc_info=error)
