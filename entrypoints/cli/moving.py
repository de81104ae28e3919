"""The commands that take a person's sessions out, and bring them in."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from application.errors import StartRefused, Unavailable
from domain.errors import SessionForbidden, SessionNotFound
from domain.owner import Owner
from domain.transfer import Part
from entrypoints.cli.invocation import Invocation, new_container
from entrypoints.cli.people import Issuer, Subject, owner_named

if TYPE_CHECKING:
    from entrypoints.cli.progress import Summary
    from entrypoints.container import Container

KINDS = ("chatgpt", "claude", "open-webui", "librechat", "openai", "chat-sessions")


def export(
    context: typer.Context,
    subject: Subject,
    issuer: Issuer = None,
    session: Annotated[
        str | None,
        typer.Option(
            "--session", help="One alone, by its id, or by ext: and its external id.", metavar="ID"
        ),
    ] = None,
) -> None:
    """Print all sessions of a person with their messages, as lines of JSON.

    The last line is a footer that says how many there are: without it the export is not whole.
    SQLite's file is read while the service is stopped.
    """
    invocation = Invocation.of(context)
    invocation.check_stdout()
    container = new_container()
    owner = owner_named(issuer, subject, container.settings())
    invocation.signals.run(_export(container, owner, session))


async def _export(container: "Container", owner: Owner, session: str | None) -> None:
    from entrypoints.cli.progress import shown_export
    from entrypoints.http.line_writer import export_lines
    from entrypoints.http.references import session_ref

    storage = container.storage()
    await storage.open()
    try:
        asked = None if session is None else session_ref(session)
        parts = container.export_sessions()(owner, asked)
        with shown_export() as advance:
            async for piece in export_lines(parts, owner, container.clock().now()):
                sys.stdout.buffer.write(piece)
                advance(piece)
        sys.stdout.buffer.flush()
    except (SessionNotFound, SessionForbidden):
        raise StartRefused(f"{owner.subject} has no session that --session names") from None
    except Unavailable as error:
        raise StartRefused(f"stopped halfway, run it again: {error}") from error
    finally:
        await storage.close()


def import_(
    context: typer.Context,
    file: Annotated[
        str, typer.Argument(help="The file as it was downloaded, or - for standard input.")
    ],
    subject: Subject,
    issuer: Issuer = None,
    kind: Annotated[
        str | None,
        typer.Option("--from", help=f"What the file is of: {', '.join(KINDS)}.", metavar="KIND"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Store nothing, and say what would be stored.")
    ] = False,
) -> None:
    """Store a person's conversations that another program, or this one, has exported.

    FILE is what people download: JSON, JSON Lines, either of them in gzip, or a ZIP archive. What
    it is of is found out by itself. What is there already is kept as it is, so an import that was
    interrupted is simply run again. It says what was left out and why, and ends with 1 where a
    conversation was refused.
    """
    if kind is not None and kind not in KINDS:
        raise typer.BadParameter(f"must be one of {', '.join(KINDS)}", param_hint="'--from'")
    container = new_container()
    owner = owner_named(issuer, subject, container.settings())
    with _file(file) as opened:
        refused = Invocation.of(context).signals.run(
            _import(container, owner, opened, kind, dry_run=dry_run)
        )
    if refused:
        raise typer.Exit(1)


def _file(name: str) -> BinaryIO:
    if name == "-":
        if sys.stdin is None or sys.stdin.closed:
            raise StartRefused("standard input is closed, and that is what - stands for")
        return sys.stdin.buffer
    return Path(name).open("rb")


async def _import(
    container: "Container", owner: Owner, file: BinaryIO, kind: str | None, *, dry_run: bool
) -> int:
    """Import the file, print what became of it, and return how many conversations were refused."""
    from entrypoints.cli.progress import Summary, shown_import

    storage, summary = container.storage(), Summary(dry_run=dry_run)
    await storage.open()
    try:
        with shown_import(file) as watched:
            parts = _parts(watched, kind, summary)
            async for imported in container.import_sessions()(owner, parts, dry_run=dry_run):
                summary.add(imported)
    except Unavailable as error:
        raise StartRefused(f"stopped halfway, run it again: {error}") from error
    finally:
        await storage.close()
        for line in summary.lines():
            print(line)
    return summary.refused


async def _parts(file: BinaryIO, kind: str | None, summary: "Summary") -> AsyncIterator[Part]:
    from adapters.importers import Kind, opened, parts_of

    with opened(file) as streams:
        for stream in streams:
            found, parts = parts_of(stream, Kind(kind) if kind else None)
            summary.kind = found.value
            for part in parts:
                yield part


if TYPE_CHECKING:
    from entrypoints.cli.progress import Summary
