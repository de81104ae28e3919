"""Everything that is measured, started and filled."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from domain.owner import Owner
from tests.bench import seeds
from tests.bench.client import ask
from tests.bench.issuer import Issuer, issuer
from tests.bench.people import CREATORS, READERS, SAID, WRITERS, People
from tests.bench.services import Service, copied, migrated, ours, side
from tests.bench.storage.databases import postgresql
from tests.postgresql import PostgresqlServer

OURS = ("PostgreSQL", "SQLite", "memory")
BARE, RAW = "bare PostgreSQL", "raw SQLite"
FILLERS = 4
TYPICAL = ("typical PostgreSQL", "typical SQLite")


@dataclass(frozen=True, slots=True)
class Stage:
    folder: Path
    issuer: Issuer
    sizes: seeds.Sizes
    server: PostgresqlServer
    database: str
    """The URL of the one that is filled."""
    sides: dict[str, People]
    second: People
    """Another process of the service on PostgreSQL."""

    def key(self, who: str) -> UUID:
        return Owner(self.issuer.url, who).key


@contextmanager
def stage(folder: Path, sizes: seeds.Sizes, *, giants: bool) -> Iterator[Stage]:
    """With those who have very much, where they are asked about."""
    with ExitStack() as stack:
        known = stack.enter_context(issuer())
        server = stack.enter_context(postgresql())
        database = server.new_database("bench")
        migrated(folder, database)
        seeds.fill_postgresql(server, "bench", seeds.POSTGRESQL.people(sizes, known.url))
        if giants:
            seeds.fill_postgresql(server, "bench", seeds.POSTGRESQL.giants(sizes, known.url))
        file, raw, typical = _files(folder, sizes, known.url, giants=giants)

        def own(name: str, url: str, pid: int | None = None) -> Service:
            return stack.enter_context(ours(name, folder, known.url, url, pid))

        def other(name: str, module: str, url: str, pid: int | None = None) -> Service:
            return stack.enter_context(side(name, module, known.url, url, pid))

        services = (
            own("PostgreSQL", database, server.pid),
            own("SQLite", f"sqlite:///{file}"),
            own("memory", "memory://"),
            other(BARE, "bare", database, server.pid),
            other(RAW, "raw_sqlite", str(raw)),
            other(TYPICAL[0], "typical", database.replace("://", "+asyncpg://"), server.pid),
            other(TYPICAL[1], "typical", f"sqlite+aiosqlite:///{typical}"),
        )
        tokens: dict[str, str] = {}
        second = People(known, own("second", database, server.pid), tokens)
        sides = {service.name: People(known, service, tokens) for service in services}
        asyncio.run(_fill_memory(sides["memory"], sizes))
        yield Stage(folder, known, sizes, server, database, sides, second)


def _files(
    folder: Path, sizes: seeds.Sizes, issuer_url: str, *, giants: bool
) -> tuple[Path, Path, Path]:
    """The service's file, and those of the others, without what only the service is asked for."""
    file = folder / "sqlite.db"
    migrated(folder, f"sqlite:///{file}")
    seeds.fill_sqlite(file, seeds.SQLITE.people(sizes, issuer_url))
    copies = copied(file, "raw.db"), copied(file, "typical.db")
    if giants:
        seeds.fill_sqlite(file, seeds.SQLITE.giants(sizes, issuer_url))
    return file, *copies


async def _fill_memory(people: People, sizes: seeds.Sizes) -> None:
    """Those who are asked about, each with one session; in memory nothing depends on the rest."""
    numbers = (*READERS, *WRITERS, *CREATORS)
    talk = {"title": "Title 1", "messages": [SAID] * sizes.messages}
    talks = [people.post(seeds.person(number), "/sessions", talk) for number in numbers]
    listed = [people.post(seeds.LISTER, "/sessions", {"title": "Title"})] * seeds.LISTED
    for requests in (talks, listed):
        (await ask(people.service.port, requests, len(requests), FILLERS)).check(201)
