"""The commands that look after the database."""

from typing import Annotated

import typer

from application.errors import StartRefused, Unavailable
from entrypoints.cli.invocation import Invocation, new_container


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
    """Forget idempotency keys older than 24 hours."""
    container = new_container()

    async def forget() -> int:
        await container.storage().open()
        try:
            count: int = await container.purge_receipts()()
        except Unavailable as error:
            raise StartRefused(f"stopped halfway, run it again: {error}") from error
        else:
            return count
        finally:
            await container.storage().close()

    print(f"forgot {Invocation.of(context).signals.run(forget())} idempotency keys")
