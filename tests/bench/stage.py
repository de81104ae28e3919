"""Everything that is measured, started and filled."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import seeds
from tests.bench.issuer import Issuer, issuer
from tests.bench.people import People
from tests.bench.services import Checkout, Service, side
from tests.postgresql import PostgresqlServer

OURS, BASELINE, BARE, TYPICAL = "ours", "baseline", "bare", "typical"
POSTGRESQL, SQLITE = "PostgreSQL", "SQLite"
DATABASES = (POSTGRESQL, SQLITE)

Side = tuple[str, str]
"""Which service, and on which database."""


@dataclass(frozen=True, slots=True)
class Stage:
    issuer: Issuer
    sizes: seeds.Sizes
    server: PostgresqlServer
    sides: dict[Side, People]


@contextmanager
def stage(
    folder: Path,
    sizes: seeds.Sizes,
    others: tuple[str, ...],
    against: Path | None = None,
    *,
    giants: bool = False,
) -> Iterator[Stage]:
    """Ours and the others by their names, and where `against` names a checkout, the baseline;
    with those who have very much, where they are asked about."""
    with ExitStack() as stack:
        known = stack.enter_context(issuer())
        server = PostgresqlServer()
        stack.callback(server.remove)
        stack.callback(server.stop)
        making = _Making(folder, sizes, known, server, stack, giants=giants)
        found = making.own(OURS, Checkout())
        if against:
            found |= making.own(BASELINE, Checkout(against.resolve()))
        for name in others:
            found |= making.side(name)
        tokens: dict[str, str] = {}
        sides = {name: People(known, service, tokens) for name, service in found.items()}
        yield Stage(known, sizes, server, sides)


@dataclass(frozen=True, slots=True)
class _Making:
    folder: Path
    sizes: seeds.Sizes
    issuer: Issuer
    server: PostgresqlServer
    stack: ExitStack
    giants: bool

    def own(self, name: str, checkout: Checkout) -> dict[Side, Service]:
        """Each has databases of its own, whose schema and index it makes: else it would do so while
        it is measured."""
        url, file = self.server.new_database(name), self._file(name)
        for database in (url, f"sqlite:///{file}"):
            checkout.migrate(self.folder, database)
        asked = {"giants": self.giants, "bodies": name == OURS}
        seeds.fill_postgresql(self.server, name, self.sizes, self.issuer.url, **asked)
        seeds.fill_sqlite(file, self.sizes, self.issuer.url, **asked)
        for database in (url, f"sqlite:///{file}"):
            checkout.reindex(self.folder, database)
        self.server.execute("VACUUM ANALYZE", name)
        return {
            (name, kind): self.stack.enter_context(
                checkout.served(self.folder / f"{name}-{kind}", self.issuer.url, database, pid)
            )
            for kind, database, pid in (
                (POSTGRESQL, url, self.server.pid),
                (SQLITE, f"sqlite:///{file}", None),
            )
        }

    def side(self, name: str) -> dict[Side, Service]:
        """On our PostgreSQL; on a SQLite file of its own, since the service shares its with
        nobody."""
        shutil.copy(self._file(OURS), self._file(name))
        url, file = self.server.url(OURS), str(self._file(name))
        if name == TYPICAL:
            url, file = url.replace("://", "+asyncpg://"), f"sqlite+aiosqlite:///{file}"
        return {
            (name, kind): self.stack.enter_context(
                side(name, self.folder, self.issuer.url, database, pid)
            )
            for kind, database, pid in ((POSTGRESQL, url, self.server.pid), (SQLITE, file, None))
        }

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.db"
