import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from adapters.sql.postgresql.errors import NotReached
from adapters.sql.postgresql.options import PostgresqlOptions

PAUSE_SECONDS = 0.5
"""From one try to the next."""

T = TypeVar("T")


async def retry_until_reachable(options: PostgresqlOptions, work: Callable[[], Awaitable[T]]) -> T:
    """What `work` gives, begun again while the server cannot be reached and that may pass.

    Raises NotReached at once for what does not pass by waiting, or else after `start_wait`.
    """
    loop = asyncio.get_running_loop()
    latest, told = loop.time() + options.start_wait, ""
    while True:
        try:
            return await work()
        except NotReached as error:
            if not error.may_heal or loop.time() >= latest:
                raise
            if str(error) != told:
                told = str(error)
                options.on_wait(told)
        await asyncio.sleep(min(PAUSE_SECONDS, max(0, latest - loop.time())))
