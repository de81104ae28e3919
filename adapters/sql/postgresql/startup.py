import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from adapters.sql.postgresql.errors import NotReached
from adapters.sql.postgresql.options import PostgresqlOptions

PAUSE_SECONDS = 0.5
"""The pause between two attempts."""

T = TypeVar("T")


async def retry_until_reachable(options: PostgresqlOptions, work: Callable[[], Awaitable[T]]) -> T:
    """Return what `work` returns, and repeat it while the server cannot be reached for now.

    Raises NotReached at once if waiting does not help, or else after `start_wait`.
    """
    loop = asyncio.get_running_loop()
    latest, reported = loop.time() + options.start_wait, ""
    while True:
        try:
            return await work()
        except NotReached as error:
            if not error.is_transient or loop.time() >= latest:
                raise
            if str(error) != reported:
                reported = str(error)
                options.on_wait(reported)
        await asyncio.sleep(min(PAUSE_SECONDS, max(0, latest - loop.time())))
