from contextlib import suppress
from dataclasses import replace

from adapters.sql.postgresql import upgrade
from adapters.sql.postgresql.connect import Connector, Link
from adapters.sql.postgresql.connection_failures import DRIVER_ERRORS
from adapters.sql.postgresql.engine import CLOSE_TIMEOUT
from adapters.sql.postgresql.errors import connecting
from adapters.sql.postgresql.options import PostgresqlOptions


async def probe(options: PostgresqlOptions) -> tuple[str, bool]:
    """Connect once, and return a line about the server and whether the schema is this release's.

    Raises StorageRefused.
    """
    with upgrade.refusing(), connecting():
        link = await Connector(options).link()
        server = _described(link)
        with suppress(OSError, *DRIVER_ERRORS):
            await link.connection.close(timeout=CLOSE_TIMEOUT)
    return server, await upgrade.is_current(replace(options, start_wait=0), to_serve=True)


def _described(link: Link) -> str:
    at = "" if link.address in (link.host.name, link.host.address) else f" ({link.address})"
    version = getattr(link.connection.get_settings(), "server_version", "")
    return f"PostgreSQL {version} at {link.host}{at}, {_secured(link)}"


def _secured(link: Link) -> str:
    if link.host.is_socket:
        return "through a Unix socket"
    if link.context is None or link.context.made is None:
        return "without TLS"
    checked = {
        (True, True): "its certificate and name verified",
        (True, False): "its certificate verified, its name not",
    }
    verified = (link.context.verify_mode != 0, link.context.check_hostname)
    return f"{link.context.made.version()}, {checked.get(verified, 'its certificate not verified')}"
