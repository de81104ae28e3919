"""Many callers' writes in one transaction, and what becomes of the one that fails."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text

from adapters.sql.sqlite import SqliteDatabase
from application.errors import Unavailable


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    opened = SqliteDatabase(tmp_path / "chat.db")
    await opened.open()
    await opened.write(
        lambda connection: connection.execute(text("CREATE TABLE notes (said TEXT)"))
    )
    yield opened
    await opened.close()


def note(said: str, error: BaseException | None = None) -> Callable[[Connection], str]:
    """A write, and then perhaps an error."""

    def work(connection: Connection) -> str:
        connection.execute(text("INSERT INTO notes VALUES (:said)"), {"said": said})
        if error is not None:
            raise error
        return said

    return work


async def noted(database: SqliteDatabase) -> list[str]:
    return [said for (said,) in await database.read(text("SELECT said FROM notes"), {})]


@pytest.mark.parametrize("error", [ValueError("own"), SystemExit(1), KeyboardInterrupt()])
async def test_what_one_raises_undoes_that_one_alone(
    database: SqliteDatabase, error: BaseException
) -> None:
    """Whatever it is, and in a group or by itself."""
    works = [note("a"), note("b", error), note("c")]
    outcomes = await asyncio.gather(*map(_outcome, (database.write(work) for work in works)))
    assert outcomes == ["a", error, "c"]
    assert await _outcome(database.write(note("d", error))) is error
    assert await noted(database) == ["a", "c"]


async def test_a_failure_of_the_database_is_the_failing_ones_alone(
    database: SqliteDatabase,
) -> None:
    """The others have one more try, each by itself."""

    def broken(connection: Connection) -> str:
        connection.execute(text("INSERT INTO no_such_table VALUES (1)"))
        return "never"

    works = [note("a"), broken, note("b")]
    outcomes = await asyncio.gather(*map(_outcome, (database.write(work) for work in works)))
    assert outcomes[::2] == ["a", "b"]
    assert "no such table" in str(outcomes[1])
    assert sorted(await noted(database)) == ["a", "b"]


async def test_a_commit_is_shared_by_those_that_wait(database: SqliteDatabase) -> None:
    commits: list[None] = []
    connection = database._connections().writing  # noqa: SLF001 - to count its transactions
    event.listen(connection.engine, "commit", lambda _: commits.append(None))
    works = [note(str(number)) for number in range(100)]
    await asyncio.gather(*(database.write(work) for work in works))
    assert len(await noted(database)) == 100
    assert len(commits) < 50


async def test_closing_finishes_the_writes_that_wait(database: SqliteDatabase) -> None:
    writes = [asyncio.ensure_future(database.write(note(str(number)))) for number in range(20)]
    await asyncio.sleep(0)
    await database.close()
    assert await asyncio.gather(*writes) == [str(number) for number in range(20)]
    with pytest.raises(Unavailable):
        await database.write(note("late"))


async def _outcome(write: object) -> object:
    try:
        return await write  # type: ignore[misc]
    except BaseException as error:  # noqa: BLE001 - what is asked for
        return error
