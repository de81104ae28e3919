"""What PostgreSQL says of one statement: its plan, and what planning and running it took."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg


@dataclass(frozen=True, slots=True)
class Explained:
    planning: float
    """Milliseconds, as all times here."""
    execution: float
    buffers: int
    """Pages that were read, from memory or from disk."""
    steps: tuple[Mapping[str, Any], ...]
    """Those that ran."""

    @property
    def scans(self) -> bool:
        return any(step["Node Type"] == "Seq Scan" for step in self.steps)

    def partitions(self) -> set[str]:
        """The numbers at the ends of the tables' names."""
        tables = {step["Relation Name"] for step in self.steps if "Relation Name" in step}
        return {table.rpartition("_")[2] for table in tables if "_" in table}


@asynccontextmanager
async def prepared(connection: asyncpg.Connection, sql: str) -> AsyncIterator[None]:
    await connection.execute(f"PREPARE asked AS {sql}")
    try:
        yield
    finally:
        await connection.execute("DEALLOCATE asked")


async def explain_prepared(
    connection: asyncpg.Connection, values: list[Any], *, generic: bool
) -> Explained:
    """Carries out what was prepared, with a plan for any values or for these, and undoes it."""
    mode = "force_generic_plan" if generic else "force_custom_plan"
    given = f"({', '.join(map(_literal, values))})" if values else ""
    await connection.execute(f"SET plan_cache_mode = {mode}")
    async with undone(connection):
        told = await connection.fetchval(
            f"EXPLAIN (ANALYZE, BUFFERS, SUMMARY, FORMAT JSON) EXECUTE asked{given}"
        )
    await connection.execute("RESET plan_cache_mode")
    return _explained(json.loads(told)[0])


@asynccontextmanager
async def undone(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """A transaction that leaves nothing behind."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


def _explained(told: Mapping[str, Any]) -> Explained:
    plan = told["Plan"]
    buffers = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return Explained(told["Planning Time"], told["Execution Time"], buffers, tuple(_ran(plan)))


def _ran(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if plan.get("Actual Loops"):
        yield plan
    for part in plan.get("Plans", ()):
        yield from _ran(part)


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return f"ARRAY[{', '.join(map(_literal, value))}]"
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'::bytea"
    if isinstance(value, UUID):
        return f"'{value}'::uuid"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"
