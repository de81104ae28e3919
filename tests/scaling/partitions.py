"""What 64 native hash partitions by owner cost each statement, with a million sessions.

`python -m tests.scaling.partitions` compares them with the plain schema, statement by statement in
turn. Fails where a statement that names the owner reads a second partition or scans a table.
"""

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Executable

from adapters.sql.postgresql import PostgresqlOptions, upgrade
from adapters.sql.storage import PURGED_AT_ONCE
from tests.adapters import catalogue
from tests.adapters.catalogue import POSTGRESQL, SHARED, VALUES, WITHOUT_OWNER, postgresql_sql
from tests.adapters.explained import Explained, explain_prepared, prepared, undone
from tests.databases import PARTITIONS, in_transaction, make_partitioned
from tests.postgresql import FAST, PostgresqlServer

PEOPLE = 50_000
ROUNDS = 7
CALLS = 20
PARTS = PARTITIONS["partitioned"]

NOBODYS = UUID(int=2**128 - 1)
LATER = VALUES["at_"] + 10**12
GIVEN: Mapping[str, Mapping[str, Any]] = {
    "ADD": {"session_": NOBODYS},
    "ADD_ONCE": {"session_": NOBODYS, "key_": "another key"},
    "APPEND_ONCE": {"key_": "another key"},
    "FIND_ANYONES, of nobody": {"session_": NOBODYS},
    "FORGET_RECEIPT": {"key_": "key 1", "until_": LATER},
    "FORGET_RECEIPTS": {"limit_": PURGED_AT_ONCE, "until_": LATER},
}
"""What a statement is asked so that it finds what it looks for."""

ASKED: Mapping[str, Executable] = {
    **SHARED,
    "FIND_ANYONES, of nobody": SHARED["FIND_ANYONES"],
    **POSTGRESQL,
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement as the service sends it: prepared, and again and again."""

    processor: float
    """The server's milliseconds a call."""
    replanned: bool
    """Whether PostgreSQL makes a plan for each call's values."""
    locks: int


@dataclass(frozen=True, slots=True)
class Cost:
    custom: Explained
    generic: Explained
    sent: Sent
    """Planned as PostgreSQL sees fit."""
    kept: Sent
    """With one plan for any values, as `plan_cache_mode = force_generic_plan` has it."""


def is_exception(name: str) -> bool:
    return name.partition(",")[0] in WITHOUT_OWNER


async def made(server: PostgresqlServer, parts: int, people: int) -> str:
    """The URL of a database so divided, one part being the plain schema, and filled."""
    name = f"parts{parts}"
    options = PostgresqlOptions(url=server.new_database(name))
    if parts == 1:
        await upgrade.migrate(options)
    else:
        await in_transaction(options, partial(make_partitioned, parts))
    unchecked = f"ALTER DATABASE {name} SET session_replication_role = replica"
    await asyncio.to_thread(server.execute, unchecked)  # what is made up here needs no check
    await asyncio.to_thread(catalogue.fill_postgresql, server, name, others=people, each=1)
    server.execute(f"ALTER DATABASE {name} RESET session_replication_role")
    return options.url


async def cost(connection: asyncpg.Connection, watcher: asyncpg.Connection, name: str) -> Cost:
    sql, values = postgresql_sql(ASKED[name], {**VALUES, **GIVEN.get(name, {})})
    explained = partial(explain_prepared, connection, values)
    async with prepared(connection, sql):
        for _ in range(2):  # the first fills the caches
            custom, generic = await explained(generic=False), await explained(generic=True)
    sent = await _sent(connection, watcher, sql, values)
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    kept = await _sent(connection, watcher, sql, values)
    await connection.execute("RESET plan_cache_mode")
    return Cost(custom, generic, sent, kept)


async def _sent(
    connection: asyncpg.Connection, watcher: asyncpg.Connection, sql: str, values: list[Any]
) -> Sent:
    statement = await connection.prepare(sql)
    pid = connection.get_server_pid()
    counted = "SELECT count(*) FROM pg_locks WHERE pid = $1 AND locktype = 'relation'"
    for _ in range(8):  # from the sixth call on PostgreSQL may keep to one plan for any values
        async with undone(connection):
            await statement.fetch(*values)
            locks = await watcher.fetchval(counted, pid)
    before = _processor(pid)
    for _ in range(CALLS):
        async with undone(connection):
            await statement.fetch(*values)
    took = (_processor(pid) - before) / CALLS
    replanned = await connection.fetchval(
        "SELECT custom_plans > generic_plans FROM pg_prepared_statements WHERE name = $1",
        statement.get_name(),
    )
    return Sent(took, replanned, locks)


def _processor(pid: int) -> float:
    """By the scheduler's count, which has nanoseconds (Linux's sched-stats.rst)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e6


def faults(name: str, found: Cost) -> Iterator[str]:
    """Where a statement that names the owner reads more than that owner's partition."""
    for kind, explained in (("custom", found.custom), ("generic", found.generic)):
        if not is_exception(name) and len(explained.partitions()) > 1:
            yield f"{name}: {kind} plan reads partitions {sorted(explained.partitions())}"
        if not is_exception(name) and explained.scans:
            yield f"{name}: {kind} plan scans a table"


HEAD = """\
| statement | planning ms | running ms | pages read | locks | server's CPU ms a call \
| ratio (least - most) | one plan kept: locks | CPU ms a call | ratio |
|---|---|---|---|---|---|---|---|---|---|"""


def row(name: str, plain: Sequence[Cost], parted: Sequence[Cost]) -> str:
    def both(what: Callable[[Cost], float], digits: int = 2) -> str:
        return " : ".join(
            f"{statistics.median(map(what, costs)):,.{digits}f}" for costs in (plain, parted)
        )

    def ratios(what: Callable[[Cost], float]) -> list[float]:
        return sorted(
            what(after) / what(before) for before, after in zip(plain, parted, strict=True)
        )

    sent, kept = ratios(lambda cost: cost.sent.processor), ratios(lambda cost: cost.kept.processor)
    marks = " : ".join("*" if costs[-1].sent.replanned else "" for costs in (plain, parted))
    cells = (
        name,
        both(lambda cost: cost.custom.planning),
        both(lambda cost: cost.custom.execution),
        both(lambda cost: cost.custom.buffers, 0),
        both(lambda cost: cost.sent.locks, 0),
        both(lambda cost: cost.sent.processor, 3) + f" ({marks})",
        f"{statistics.median(sent):.1f} ({sent[0]:.1f} - {sent[-1]:.1f})",
        both(lambda cost: cost.kept.locks, 0),
        both(lambda cost: cost.kept.processor, 3),
        f"{statistics.median(kept):.1f}",
    )
    return f"| {' | '.join(cells)} |"


MEMORY = "SELECT sum(total_bytes) / 1048576.0 FROM pg_backend_memory_contexts"
SPREAD = """\
SELECT format('%s to %s', min(rows), max(rows))
FROM (SELECT count(*) AS rows FROM sessions GROUP BY tableoid) AS parts
"""


async def compared(
    urls: Mapping[int, str], rounds: int, say: Callable[[str], None]
) -> Sequence[str]:
    """Both databases in turn, statement by statement; tells what is wrong, if anything."""
    connections = {parts: await asyncpg.connect(url) for parts, url in urls.items()}
    watcher = await asyncpg.connect(urls[1])
    wrong: set[str] = set()
    say(HEAD)
    for name in ASKED:
        found: dict[int, list[Cost]] = {parts: [] for parts in urls}
        for turn in range(rounds):
            for parts in list(urls)[:: 1 if turn % 2 else -1]:
                found[parts].append(await cost(connections[parts], watcher, name))
        plain, parted = found.values()
        wrong.update(*(faults(name, each) for each in parted))
        say(row(name, plain, parted))
    for parts, connection in connections.items():
        memory, per_part = await connection.fetchval(MEMORY), await connection.fetchval(SPREAD)
        say(f"{parts} partitions: {memory:.1f} MB of memory a connection, {per_part} sessions each")
        await connection.close()
    await watcher.close()
    return sorted(wrong)


async def measured(people: int, rounds: int, say: Callable[[str], None]) -> Sequence[str]:
    server = PostgresqlServer({**FAST, "shared_buffers": "1GB", "max_wal_size": "8GB"})
    try:
        making: dict[int, Awaitable[str]] = {
            parts: made(server, parts, people) for parts in (1, PARTS)
        }
        urls = {parts: await making[parts] for parts in making}
        return await compared(urls, rounds, say)
    finally:
        server.stop()
        server.remove()


def main() -> None:
    wrong = asyncio.run(measured(PEOPLE, ROUNDS, partial(print, flush=True)))
    raise SystemExit("\n".join(wrong) or 0)


if __name__ == "__main__":
    main()
