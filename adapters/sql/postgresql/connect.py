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
from adapters.sql.postgresql.failures import DRIVER_ERRORS, CannotConnect, Failure, origin
from adapters.sql.postgresql.options import PostgresqlOptions
from adapters.sql.postgresql.parameters import UrlRefused
from adapters.sql.postgresql.passwords import password_for, why_none
from adapters.sql.postgresql.session import settle
from adapters.sql.postgresql.target import Host, Target

HEAD_START = 0.25
"""Seconds that a host or an address has to itself before the next is asked beside it (RFC 8305
section 5)."""

_WAYS = {"disable": (False,), "allow": (False, True), "prefer": (True, False)}
"""Whether TLS is spoken, at the first try and the second; in any other sslmode it always is."""

PLAIN_SECONDS = 60.0
"""For so long a server that took no TLS is asked without it first, where either will do."""

P = TypeVar("P", Host, str)


@dataclass(frozen=True, slots=True)
class Link:
    """A connection and where it leads; `context` is that of its TLS."""

    connection: asyncpg.Connection
    host: Host
    address: str
    context: tls.TlsContext | None


class Connector:
    """Makes connections to the hosts of a URL; the one that gave the last is asked first.

    A name may have several addresses: each is tried in a time of its own, and the server's
    certificate is held against the name. With several hosts a connection is to one that takes
    writes or, where only reads are wanted, to a standby, unless the URL says otherwise.
    """

    def __init__(self, options: PostgresqlOptions) -> None:
        """Raises UrlRefused."""
        self._options = options
        self._target = Target.parse(options.url, options.environment)
        self._direct = tls.is_direct(self._target.parameters)
        self._ways = _WAYS.get(tls.mode(self._target.parameters), (True,))
        self._contexts = tls.Contexts(self._target.parameters)
        self._last: tuple[Host | str, ...] = ()
        self._plain_until: dict[Host, float] = {}

    def check(self) -> None:
        """Raise UrlRefused for what is missing on this side: a file, or a user's name."""
        self._target.user  # noqa: B018 - it raises
        for host in self._target.hosts:
            if True in self._ways and not host.is_socket:
                self._contexts.for_host(host)

    async def __call__(self) -> asyncpg.Connection:
        """Raises CannotConnect."""
        return (await self.link()).connection

    async def link(self) -> Link:
        """From the first host that gives one. Raises CannotConnect."""
        if self._wanted != "prefer-standby":
            return await self._from_any(self._wanted)
        try:
            return await self._from_any("standby")
        except CannotConnect:
            return await self._from_any("any")

    @property
    def _wanted(self) -> str:
        if given := self._target.parameters.get("target_session_attrs"):
            return given
        if len(self._target.hosts) == 1:
            return "any"
        return "standby" if self._options.read_only else "read-write"

    async def _from_any(self, wanted: str) -> Link:
        hosts = self._in_turn(self._target.hosts)
        link = await first_of([partial(self._from_host, host, wanted) for host in hosts])
        self._last = (link.host, link.address)
        return link

    def _in_turn(self, places: Sequence[P]) -> list[P]:
        if self._target.parameters.get("load_balance_hosts") == "random":
            return random.sample(places, len(places))
        return sorted(places, key=lambda place: place not in self._last)

    async def _from_host(self, host: Host, wanted: str) -> Link:
        addresses = self._in_turn(await self._addresses(host))
        return await first_of([partial(self._from_address, host, at, wanted) for at in addresses])

    async def _addresses(self, host: Host) -> Sequence[str]:
        """All that its name stands for, in the order of getaddrinfo (RFC 6724)."""
        if host.is_socket or host.address or _is_address(host.name):
            return [host.address or host.name]
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._options.connect_timeout):
                found = await loop.getaddrinfo(host.name, host.port, type=SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise self._failed(host, None, error) from error
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    async def _from_address(self, host: Host, address: str, wanted: str) -> Link:
        try:
            return await self._either_way(host, address, wanted)
        except (OSError, UrlRefused, *DRIVER_ERRORS) as error:
            raise self._failed(host, address, error) from error

    async def _either_way(self, host: Host, address: str, wanted: str) -> Link:
        """With TLS or without, where the URL leaves that to the server."""
        secured, *other = self._ways_to(host)
        try:
            return await self._linked(host, address, wanted, secured=secured)
        except (OSError, asyncpg.PostgresError) as error:
            if not other or not _is_refused(error):
                raise
            refused = error
        try:
            link = await self._linked(host, address, wanted, secured=not secured)
        except (OSError, asyncpg.PostgresError):
            if secured and not _is_without_tls(refused):
                raise refused from None  # which says more
            raise
        if secured:
            self._plain_until[host] = asyncio.get_running_loop().time() + PLAIN_SECONDS
        return link

    def _ways_to(self, host: Host) -> tuple[bool, ...]:
        if host.is_socket:
            return (False,)
        is_plain = self._plain_until.get(host, 0) > asyncio.get_running_loop().time()
        return _WAYS["allow"] if is_plain else self._ways

    async def _linked(self, host: Host, address: str, wanted: str, *, secured: bool) -> Link:
        options, pooled, target = self._options, self._options.transaction_pooler, self._target
        context = self._contexts.for_host(host) if secured else None
        connection = await asyncpg.connect(
            host=address,
            port=host.port,
            user=target.user,
            database=target.database,
            password=password_for(target, host),
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
                await settle(connection, options)
            except BaseException:
                connection.terminate()
                raise
        return Link(connection, host, address, context)

    @property
    def _session(self) -> dict[str, str]:
        """What the server is told at the beginning; a pooler in transaction mode takes no
        parameters of a session's own, unless it is asked by the URL."""
        options = self._options
        given = {"application_name": options.application_name}
        if not options.transaction_pooler:
            given |= options.limits
        asked = self._target.parameters
        return given | {name: asked[name] for name in ("options", "search_path") if name in asked}

    def _failed(self, host: Host, address: str | None, error: Exception) -> CannotConnect:
        found, target = origin(error), self._target
        failure = Failure.from_error(host, address, found, self._options.connect_timeout)
        failure = failure.because(tls.why(target.parameters, found))
        if getattr(error, "sqlstate", None) == "28P01" and not password_for(target, host):
            failure = failure.because(why_none(target))
        return CannotConnect([failure])


async def first_of(starts: Sequence[Callable[[], Coroutine[Any, Any, Link]]]) -> Link:
    """What the first of them gives that succeeds.

    Each begins HEAD_START after the one before it, or as soon as that has failed. Raises
    CannotConnect with the failures of all, in the order in which they were begun.
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
            task.add_done_callback(_let_go)


def _let_go(attempt: asyncio.Task[Link]) -> None:
    """Of one that was too late."""
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().connection.terminate()


def _is_refused(error: Exception) -> bool:
    """Whether the server may take it the other way, with TLS or without (section 34.19.3)."""
    state = getattr(error, "sqlstate", None)
    return _is_without_tls(error) or isinstance(error, SSLError) or state == "28000"


def _is_without_tls(error: Exception) -> bool:
    """Whether the driver's question, whether to speak TLS, was not answered with yes."""
    return type(error) is ConnectionError


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
