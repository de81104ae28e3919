import asyncio
from collections.abc import Sequence

import asyncpg

from adapters.sql.postgresql.options import PostgresqlOptions
from adapters.sql.postgresql.session import settle

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

HEAD_START = 0.25
"""Seconds that a host has to itself before the next is asked beside it (RFC 8305 section 5)."""


class Connector:
    """Makes connections to the hosts of a URL; the one that gave the last is asked first.

    With several hosts a connection is to one that takes writes or, where only reads are wanted, to
    a standby, unless the URL says otherwise.
    """

    def __init__(self, options: PostgresqlOptions) -> None:
        self._options = options
        self._urls = list(addresses(options.url))

    async def __call__(self) -> asyncpg.Connection:
        """From the first host that gives one. Raises what the last to fail raised: OSError or one
        of DRIVER_ERRORS."""
        left, attempts = list(self._urls), dict[asyncio.Task[asyncpg.Connection], str]()
        failures: list[BaseException] = []
        try:
            while left or attempts:
                if left:
                    url = left.pop(0)
                    attempts[asyncio.create_task(self._attempt(url))] = url
                done, _ = await asyncio.wait(
                    attempts,
                    timeout=HEAD_START if left else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for attempt in done:
                    failure = attempt.exception()
                    if not isinstance(failure, (OSError, *DRIVER_ERRORS)):
                        connection = attempt.result()
                        self._prefer(attempts.pop(attempt))
                        return connection
                    failures.append(failure)
                    del attempts[attempt]
            raise failures[-1]
        finally:
            for attempt in attempts:
                attempt.cancel()
                attempt.add_done_callback(_let_go)

    def _prefer(self, url: str) -> None:
        self._urls.sort(key=lambda other: other != url)

    async def _attempt(self, url: str) -> asyncpg.Connection:
        options, pooled = self._options, self._options.transaction_pooler
        choosing = len(self._urls) > 1 and "target_session_attrs" not in options.url
        wanted = "standby" if options.read_only else "read-write"
        connection = await asyncpg.connect(
            url,
            timeout=options.connect_timeout,
            command_timeout=options.statement_timeout + 1 if options.statement_timeout else None,
            # Unnamed statements are what a pooler may send to any of its servers.
            statement_cache_size=0 if pooled else 100,
            target_session_attrs=wanted if choosing else None,
            # A pooler in transaction mode takes no parameters of a session's own.
            server_settings={
                "application_name": options.application_name,
                **({} if pooled else options.limits),
            },
        )
        if not pooled:
            try:
                await settle(connection, options)
            except BaseException:
                connection.terminate()
                raise
        return connection


def _let_go(attempt: asyncio.Task[asyncpg.Connection]) -> None:
    """Of one that was too late."""
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().terminate()


def addresses(url: str) -> Sequence[str]:
    """A URL for each of the hosts that one names."""
    scheme, _, rest = url.partition("://")
    end = min((rest.find(mark) % (len(rest) + 1) for mark in "/?"), default=len(rest))
    credentials, at, hosts = rest[:end].rpartition("@")
    return [f"{scheme}://{credentials}{at}{host}{rest[end:]}" for host in hosts.split(",")]
