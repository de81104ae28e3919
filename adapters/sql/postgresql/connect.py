import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from socket import SOCK_STREAM
from ssl import SSLError
from typing import Any, TypeVar

import asyncpg

from adapters.sql.postgresql import tls
from adapters.sql.postgresql.connection_failures import (
    DRIVER_ERRORS,
    CannotConnect,
    Failure,
    is_refused_setting,
    root_cause,
)
from adapters.sql.postgresql.options import PostgresqlOptions
from adapters.sql.postgresql.parameters import UrlRefused
from adapters.sql.postgresql.passwords import explain_missing_password, password_for
from adapters.sql.postgresql.session_settings import POOLER_ADVICE, check_settings
from adapters.sql.postgresql.target import Host, Target

HEAD_START = 0.25
"""Seconds between the start of one connection attempt and the next (RFC 8305 section 5)."""

_TLS_ATTEMPTS = {"disable": (False,), "allow": (False, True), "prefer": (True, False)}
"""Whether the first attempt uses TLS, and the second. In any other sslmode every attempt does."""

PLAIN_SECONDS = 60.0
"""How long a server without TLS is first tried without it, where the sslmode allows both."""

P = TypeVar("P", Host, str)


@dataclass(frozen=True, slots=True)
class Link:
    """A link is a connection with the host, address and TLS context that it was made with."""

    connection: asyncpg.Connection
    host: Host
    address: str
    context: tls.TlsContext | None


class Connector:
    """A connector makes connections to the hosts of a URL, and tries the last good one first.

    A name may have several addresses: each has the whole connect timeout, and the server's
    certificate is checked against the name. Of several hosts a connection goes to one that takes
    writes or, with `read_only`, to a standby, unless the URL says otherwise.
    """

    def __init__(self, options: PostgresqlOptions) -> None:
        """Read the URL. Raises UrlRefused."""
        self._options = options
        self._target = Target.parse(options.url, options.environment)
        self._direct = tls.is_direct(self._target.parameters)
        self._attempts = _TLS_ATTEMPTS.get(tls.mode(self._target.parameters), (True,))
        self._contexts = tls.Contexts(self._target.parameters)
        self._last: tuple[Host | str, ...] = ()
        self._plain_until: dict[Host, float] = {}

    def check(self) -> None:
        """Raise UrlRefused if a file that the URL needs, or the user's name, is missing."""
        self._target.user  # noqa: B018 - it raises
        for host in self._target.hosts:
            if True in self._attempts and not host.is_socket:
                self._contexts.for_host(host)

    async def __call__(self) -> asyncpg.Connection:
        """Connect to the first host that accepts. Raises CannotConnect."""
        return (await self.link()).connection

    async def link(self) -> Link:
        """Connect to the first host that accepts. Raises CannotConnect."""
        if self._wanted != "prefer-standby":
            return await self._from_any(self._wanted)
        try:
            return await self._from_any("standby")
        except CannotConnect:
            return await self._from_any("any")

    @property
    def _wanted(self) -> str:
        if wanted := self._target.parameters.get("target_session_attrs"):
            return wanted
        if len(self._target.hosts) == 1:
            return "any"
        return "standby" if self._options.read_only else "read-write"

    async def _from_any(self, wanted: str) -> Link:
        hosts = self._ordered(self._target.hosts)
        link = await first_of([partial(self._from_host, host, wanted) for host in hosts])
        self._last = (link.host, link.address)
        return link

    def _ordered(self, places: Sequence[P]) -> list[P]:
        if self._target.parameters.get("load_balance_hosts") == "random":
            return random.sample(places, len(places))
        return sorted(places, key=lambda place: place not in self._last)

    async def _from_host(self, host: Host, wanted: str) -> Link:
        addresses = self._ordered(await self._addresses(host))
        return await first_of([partial(self._from_address, host, at, wanted) for at in addresses])

    async def _addresses(self, host: Host) -> Sequence[str]:
        """Return every address of the host, in the order of getaddrinfo (RFC 6724)."""
        if host.is_socket or host.address or _is_address(host.name):
            return [host.address or host.name]
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._options.connect_timeout):
                found = await loop.getaddrinfo(host.name, host.port, type=SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise self._failure(host, None, error) from error
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    async def _from_address(self, host: Host, address: str, wanted: str) -> Link:
        try:
            return await self._with_tls_or_without(host, address, wanted)
        except (OSError, UrlRefused, *DRIVER_ERRORS) as error:
            raise self._failure(host, address, error) from error

    async def _with_tls_or_without(self, host: Host, address: str, wanted: str) -> Link:
        """Connect with TLS or without, whichever the server accepts and the sslmode allows."""
        secured, *other = self._tls_attempts(host)
        try:
            return await self._connect(host, address, wanted, secured=secured)
        except (OSError, asyncpg.PostgresError) as error:
            if not other or not _is_refused(error):
                raise
            refused = error
        try:
            link = await self._connect(host, address, wanted, secured=not secured)
        except (OSError, asyncpg.PostgresError):
            if secured and not _is_without_tls(refused):
                raise refused from None  # which says more
            raise
        if secured:
            self._plain_until[host] = asyncio.get_running_loop().time() + PLAIN_SECONDS
        return link

    def _tls_attempts(self, host: Host) -> tuple[bool, ...]:
        if host.is_socket:
            return (False,)
        is_plain = self._plain_until.get(host, 0) > asyncio.get_running_loop().time()
        return _TLS_ATTEMPTS["allow"] if is_plain else self._attempts

    async def _connect(self, host: Host, address: str, wanted: str, *, secured: bool) -> Link:
        options, pooled, target = self._options, self._options.transaction_pooler, self._target
        context = self._contexts.for_host(host) if secured else None
        connection = await asyncpg.connect(
            host=address,
            port=host.port,
            user=target.user,
            database=target.database,
            password=password_for(target, host) or "",  # else the driver reads files of its own
            ssl=context or False,
            direct_tls=self._direct,
            timeout=options.connect_timeout,
            command_timeout=options.statement_timeout + 1 if options.statement_timeout else None,
            # Unnamed statements are what a pooler may send to any of its servers.
            statement_cache_size=0 if pooled else 100,
            target_session_attrs=wanted,
            server_settings=self._session,
        )
        if not pooled:
            try:
                await check_settings(connection, options)
            except BaseException:
                connection.terminate()
                raise
        return Link(connection, host, address, context)

    @property
    def _session(self) -> dict[str, str]:
        """The settings that a session starts with.

        A pooler in transaction mode refuses settings, so it gets only those that the URL names.
        """
        options = self._options
        settings = {"application_name": options.application_name}
        if not options.transaction_pooler:
            settings |= options.limits
        own = self._target.parameters
        return settings | {name: own[name] for name in ("options", "search_path") if name in own}

    def _failure(self, host: Host, address: str | None, error: Exception) -> CannotConnect:
        found, target = root_cause(error), self._target
        failure = Failure.from_error(host, address, found, self._options.connect_timeout)
        failure = failure.with_cause(tls.explain(target.parameters, found))
        if is_refused_setting(found):
            failure = failure.with_cause(_advice(pooled=self._options.transaction_pooler))
        if getattr(error, "sqlstate", None) == "28P01" and not password_for(target, host):
            failure = failure.with_cause(explain_missing_password(target))
        return CannotConnect([failure])


async def first_of(starts: Sequence[Callable[[], Coroutine[Any, Any, Link]]]) -> Link:
    """Run the attempts and return the first link that one of them makes.

    Each attempt starts HEAD_START seconds after the one before it, or as soon as that has failed.
    Raises CannotConnect with the failures of all, in the order in which they started.
    """
    left, running = list(starts), dict[asyncio.Task[Link], int]()
    failures: dict[int, CannotConnect] = {}
    try:
        while left or running:
            if left:
                task = asyncio.create_task(left.pop(0)())
                running[task] = len(starts) - len(left)
            done, _ = await asyncio.wait(
                running,
                timeout=HEAD_START if left else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                place, failure = running.pop(task), task.exception()
                if not isinstance(failure, CannotConnect):
                    return task.result()
                failures[place] = failure
        raise CannotConnect(
            [each for place in sorted(failures) for each in failures[place].failures]
        )
    finally:
        for task in running:
            task.cancel()
            task.add_done_callback(_close_late)


def _close_late(attempt: asyncio.Task[Link]) -> None:
    """Close the connection of an attempt that succeeded after another one had."""
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().connection.terminate()


def _is_refused(error: Exception) -> bool:
    """Whether the server may accept the other attempt, with TLS or without (section 34.19.3)."""
    state = getattr(error, "sqlstate", None)
    return _is_without_tls(error) or isinstance(error, SSLError) or state == "28000"


def _is_without_tls(error: Exception) -> bool:
    """Whether the server declined the driver's request for TLS."""
    return type(error) is ConnectionError


def _advice(*, pooled: bool) -> str:
    if pooled:
        return "the pooler does not pass it on: leave it out, and set it by ALTER ROLE"
    return POOLER_ADVICE


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
