"""The commands that look after the database."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from application.errors import StartRefused, Unavailable
from entrypoints.cli.invocation import Invocation, new_container

if TYPE_CHECKING:
    from entrypoints.container import Container

T = TypeVar("T")


def migrate(
    context: typer.Context,
    check: Annotated[
        bool,
        typer.Option("--check", help="Only tell, by the exit code, whether it is up to date."),
    ] = False,
) -> None:
    """Bring the database's schema up to date."""
    signals, storage = Invocation.of(context).signals, new_container().storage()
    if not check:
        signals.run(storage.migrate())
    elif not signals.run(storage.is_current()):
        raise StartRefused("the schema is not up to date: run chat-sessions migrate")


def purge(context: typer.Context) -> None:
    """Forget idempotency keys older than 24 hours and, where CHAT_SESSIONS_RETENTION_DAYS is set,
    remove sessions that have not changed for so long."""
    container = new_container()
    signals, days = Invocation.of(context).signals, container.settings().retention_days
    keys = signals.run(on_open_storage(container, container.purge_receipts()))
    print(f"forgot {keys} idempotency keys")
    if days is not None:
        remove = partial(container.remove_idle_sessions(), days)
        removed = signals.run(on_open_storage(container, remove))
        print(
            f"removed {removed.sessions} sessions with {removed.messages} messages, unchanged for "
            f"{days} days"
        )


def reindex(context: typer.Context) -> None:
    """Make anew what a search finds texts by."""
    container = new_container()
    rebuild = on_open_storage(container, container.rebuild_search_index())
    print(f"indexed {Invocation.of(context).signals.run(rebuild)} texts")


async def on_open_storage(container: "Container", act: Callable[[], Awaitable[T]]) -> T:
    """Return what the act returns. Raises StartRefused where the storage is away meanwhile."""
    await container.storage().open()
    try:
        return await act()
    except Unavailable as error:
        raise StartRefused(f"stopped halfway, run it again: {error}") from error
    finally:
        await container.storage().close()
