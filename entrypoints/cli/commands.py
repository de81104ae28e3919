"""The list of all commands, as typer has it."""

import re
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from entrypoints.cli import checks, database, moving, people, service
from entrypoints.cli.invocation import Invocation
from entrypoints.signals import StopSignals
from entrypoints.version import VERSION

PROGRAM = "chat-sessions"

_ABOUT = "Keeps people's chat sessions. Settings come from CHAT_SESSIONS_* variables."

_EXAMPLES: dict[Callable[..., None], Sequence[str]] = {
    service.serve: ["chat-sessions serve", "CHAT_SESSIONS_PORT=9000 chat-sessions serve"],
    service.openapi: ["chat-sessions openapi > openapi.json"],
    database.migrate: ["chat-sessions migrate", "chat-sessions migrate --check || echo old"],
    database.purge: ["chat-sessions purge", "CHAT_SESSIONS_RETENTION_DAYS=365 chat-sessions purge"],
    database.reindex: ["chat-sessions reindex"],
    moving.export: [
        "chat-sessions export --subject alice > alice.ndjson",
        "chat-sessions export --subject alice --session ext:trip-1 | gzip > trip.gz",
    ],
    moving.import_: [
        "chat-sessions import chatgpt-export.zip --subject alice --dry-run",
        "chat-sessions import conversations.json --subject alice --from claude",
        "gzip -dc alice.gz | chat-sessions import - --subject bob",
    ],
    people.token: ["export TOKEN=$(chat-sessions token --subject alice)"],
    people.owner: ["chat-sessions owner --subject alice --issuer https://login.example"],
    people.erase: [
        "chat-sessions erase --subject alice --dry-run",
        "chat-sessions erase --subject alice > receipt.json",
    ],
    checks.check_config: ["chat-sessions check-config", "chat-sessions check-config --connect"],
    checks.check_token: ['echo "$TOKEN" | chat-sessions check-token'],
}
"""Every command, with lines that show how it is used."""

_BEYOND_OPTIONS = {"ignore_unknown_options": True, "allow_extra_args": True}
"""What check-token is given is not repeated, since it may be a token: the command refuses it."""


def run(words: Sequence[str], signals: StopSignals, *, has_stdout: bool) -> int:
    """Run the command that the words name, and return its exit code. Raises SystemExit with 2 for
    words that name none, after one line on stderr that says what is wrong."""
    command = typer.main.get_command(commands())
    try:
        code = command.main(
            list(words),
            prog_name=PROGRAM,
            standalone_mode=False,
            obj=Invocation(signals, has_stdout),
        )
    except _WrongUsage as error:
        sys.stderr.write(f"{_line_of(error)}\n")
        raise SystemExit(error.exit_code) from None
    return int(code or 0)


def commands() -> typer.Typer:
    """Return an application of typer's with every command."""
    app = typer.Typer(
        help=_ABOUT,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for act, examples in _EXAMPLES.items():
        settings = _BEYOND_OPTIONS if act is checks.check_token else {}
        name = act.__name__.strip("_").replace("_", "-")
        app.command(name, epilog=_epilog(examples), context_settings=settings)(act)
    return app


def _print_version(is_asked: bool) -> None:  # noqa: FBT001 - typer's
    if is_asked:
        print(f"{PROGRAM} {VERSION}")
        raise typer.Exit


def _options(
    _: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    pass


def _epilog(examples: Sequence[str]) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in examples)


_WrongUsage: Any = typer.BadParameter.__mro__[1]
"""What typer raises for words that it cannot understand, which it has no public name for."""


_PERHAPS_SECRET = re.compile(r"[^\s'\"(=]+:(//|\S*@)(.*@)?[^\s'\")]*|eyJ[\w.-]{20,}")
"""A URL, in which a password can be, with or without its scheme, or a token: what was pasted, and
is not repeated in a log. A password may have spaces, quotes and parentheses."""


def _line_of(error: Any) -> str:  # noqa: ANN401 - the same
    path = error.ctx.command_path if error.ctx else PROGRAM
    message = _PERHAPS_SECRET.sub("***", " ".join(error.format_message().split()).rstrip("."))
    return f"{PROGRAM}: {message}. {path} --help shows what there is"
