import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Thread
from time import perf_counter
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from adapters.sql.observer import COMMIT, NULL_OBSERVER, Observer
from adapters.sql.sqlite.driver import driver_of
from adapters.sql.sqlite.search import NewTexts
from adapters.sql.sqlite.watch import FileWatch
from application.errors import Unavailable

QUEUE_SECONDS = 2.5
"""How long a write waits for its turn: with the file's lock, less than five seconds in all."""

INTERRUPT_SECONDS = 0.05

GROUP_MAX = 64
"""Writes that share a commit, and so a sync to disk."""

T = TypeVar("T")


class Writer:
    """The writer is a thread that runs many callers' writes, and commits waiting ones together.

    A caller gets its result once that is on disk. A write that raises is rolled back alone, as each
    has a savepoint. If the transaction itself fails, each write is tried once more by itself.
    """

    def __init__(
        self, connection: Connection, watch: FileWatch, observer: Observer = NULL_OBSERVER
    ) -> None:
        self._connection = connection
        self._new_texts = NewTexts(driver_of(connection))
        self._watch = watch
        self._observer = observer
        self._waiting: SimpleQueue[_Write | None] = SimpleQueue()
        self._closed = False
        self._thread = Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def write(self, work: Callable[[Connection], T]) -> T:
        if self._closed:
            raise Unavailable("the database is being closed")
        write = _Write(work)
        self._waiting.put(write)
        written: T = await asyncio.shield(write.done)
        return written

    def look(self) -> None:
        """Have the watch look at the file, once the waiting writes are done."""
        if not self._closed:
            self._waiting.put(_Write(lambda _: None))

    def close(self) -> None:
        """Finish the waiting writes, and interrupt a check of the whole file."""
        self._closed = True
        self._waiting.put(None)
        while self._thread.is_alive():
            self._watch.interrupt()
            self._thread.join(INTERRUPT_SECONDS)

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            group = [first]
            last = self._gather(group)
            self._commit(group)
            if last:
                return

    def _gather(self, group: "list[_Write]") -> bool:
        """Add the waiting writes to the group, and return whether the writer is to stop then."""
        while len(group) < GROUP_MAX:
            try:
                write = self._waiting.get_nowait()
            except Empty:
                return False
            if write is None:
                return True
            group.append(write)
        return False

    def _commit(self, group: "Sequence[_Write]") -> None:
        group = [write for write in group if write.is_in_time()]
        try:
            with self._watch.translated():
                transaction = self._watch.begin()
        except BaseException as error:  # noqa: BLE001 - it is the callers', and the thread lives on
            _settle_all(group, error)
            return
        failure: BaseException | None = None
        try:
            with self._watch.translated(), transaction:
                outcomes = [write.run(self._connection, alone=len(group) == 1) for write in group]
                self._new_texts.index()
                began = perf_counter()
            took = perf_counter() - began
        except BaseException as error:  # noqa: BLE001 - likewise
            failure = error
        lost = self._watch.end()
        if lost is not None:
            _settle_all(group, lost)
        elif failure is not None:
            self._commit_each(group, failure)
        else:
            self._new_texts.committed()
            self._settle_each(group, outcomes, took)
            self._watch.fold()

    def _settle_each(
        self,
        group: "Sequence[_Write]",
        outcomes: Sequence[tuple[BaseException | None, Any]],
        took: float,
    ) -> None:
        for write, outcome in zip(group, outcomes, strict=True):
            write.context.run(self._observer.statement, COMMIT, took, None)
            write.settle(*outcome)

    def _commit_each(self, group: "Sequence[_Write]", error: BaseException) -> None:
        """Commit each write of a group by itself, since one made the transaction fail for all."""
        if len(group) == 1:
            group[0].settle(error)
        else:
            for write in group:
                self._commit([write])


def _settle_all(group: "Sequence[_Write]", error: BaseException) -> None:
    for write in group:
        write.settle(error)


class _Write:
    def __init__(self, work: Callable[[Connection], Any]) -> None:
        self._work = work
        self.context = copy_context()
        self._latest = time.monotonic() + QUEUE_SECONDS
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[Any] = self._loop.create_future()

    def is_in_time(self) -> bool:
        """Whether its caller may still be waiting. If not, the write fails."""
        if time.monotonic() <= self._latest:
            return True
        self.settle(Unavailable("too many writes wait for their turn"))
        return False

    def run(self, connection: Connection, *, alone: bool) -> tuple[BaseException | None, Any]:
        """Run the write, and return its error or its result.

        An error is raised if it is the database's, or if the write is alone.
        """
        if alone:
            return None, self.context.run(self._work, connection)
        # Not begin_nested: it compiles each savepoint anew, which takes as long as the write.
        connection.exec_driver_sql("SAVEPOINT one")
        try:
            result = self.context.run(self._work, connection)
        except DBAPIError:
            raise
        except BaseException as error:  # noqa: BLE001 - likewise
            connection.exec_driver_sql("ROLLBACK TO one")
            connection.exec_driver_sql("RELEASE one")
            return error, None
        connection.exec_driver_sql("RELEASE one")
        return None, result

    def settle(self, error: BaseException | None, result: object = None) -> None:
        with suppress(RuntimeError):  # the loop is closed, and whoever waited with it
            self._loop.call_soon_threadsafe(self._settle, error, result)

    def _settle(self, error: BaseException | None, result: object) -> None:
        if self.done.done():
            return
        if error is None:
            self.done.set_result(result)
        else:
            self.done.set_exception(error)
            self.done.exception()  # nobody may be left to hear of it
