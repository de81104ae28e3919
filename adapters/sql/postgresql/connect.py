from collections.abc import Sequence

import asyncpg

from adapters.sql.postgresql.options import PostgresqlOptions

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


async def connect(options: PostgresqlOptions) -> asyncpg.Connection:
    """A connection to the first host that gives one, each within a time of its own.

    With several hosts it is one that takes writes, unless the URL says otherwise. Raises what the
    last host raised: OSError or one of DRIVER_ERRORS.
    """
    hosts = addresses(options.url)
    several = len(hosts) > 1 and "target_session_attrs" not in options.url
    pooled = options.transaction_pooler
    patience = options.statement_timeout + 1 if options.statement_timeout else None
    for last, url in enumerate(hosts, start=1 - len(hosts)):
        try:
            return await asyncpg.connect(
                url,
                timeout=options.connect_timeout,
                command_timeout=patience,
                # Unnamed statements are what a pooler may send to any of its servers.
                statement_cache_size=0 if pooled else 100,
                target_session_attrs="read-write" if several else None,
                # A pooler in transaction mode takes no parameters of a session's own.
                server_settings={
                    "application_name": options.application_name,
                    **({} if pooled else options.limits),
                },
            )
        except (OSError, *DRIVER_ERRORS):
            if last == 0:
                raise
    raise AssertionError("a URL has at least one host")


def addresses(url: str) -> Sequence[str]:
    """A URL for each of the hosts that one names."""
    scheme, _, rest = url.partition("://")
    end = min((rest.find(mark) % (len(rest) + 1) for mark in "/?"), default=len(rest))
    credentials, at, hosts = rest[:end].rpartition("@")
    return [f"{scheme}://{credentials}{at}{host}{rest[end:]}" for host in hosts.split(",")]
