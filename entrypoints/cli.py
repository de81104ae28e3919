"""The command line: chat-sessions serve, migrate, purge, token, owner, check-config, openapi.

A command imports what it needs when it runs: none waits for another's libraries, and Ctrl-C is
quiet meanwhile.
"""

import argparse
import asyncio
import gc
import json
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from application.errors import StartRefused, Unavailable
from domain.errors import InvalidValue
from domain.owner import Owner, check_subject
from entrypoints.installation import check_installation
from entrypoints.version import VERSION

if TYPE_CHECKING:
    from entrypoints.container import Container

_Option = Callable[..., argparse.Action]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. A failure is one line on stderr and 1."""
    try:
        check_installation(sys.argv[0])
        options = _parser().parse_args(arguments)
        options.run(options)
    except StartRefused as error:
        print(f"chat-sessions: {error}", file=sys.stderr)
        return 1
    except InvalidValue as error:
        print(f"chat-sessions: --{error.field[0]} {error.detail}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


def _serve(_: argparse.Namespace) -> None:
    # Until the server heeds it, Ctrl-C just ends the process: an exception raised into the
    # imports of native modules can be lost there.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Until the service is built nearly all that is made stays: to look through it for garbage
    # is a tenth of the start.
    gc.disable()

    from entrypoints.serve import serve
    from entrypoints.settings import Settings

    serve(Settings.from_environment())


def _migrate(options: argparse.Namespace) -> None:
    storage = _container().storage()
    if not options.check:
        asyncio.run(storage.migrate())
    elif not asyncio.run(storage.is_current()):
        raise StartRefused("the schema is not up to date: run chat-sessions migrate")


def _purge(_: argparse.Namespace) -> None:
    container = _container()

    async def purge() -> int:
        await container.storage().open()
        try:
            return await container.use_cases().purge_receipts()
        except Unavailable as error:
            raise StartRefused(f"stopped halfway, run it again: {error}") from error
        finally:
            await container.storage().close()

    print(f"forgot {asyncio.run(purge())} idempotency keys")


def _token(options: argparse.Namespace) -> None:
    from adapters.auth import DevelopmentKey
    from adapters.system import SystemClock
    from entrypoints.settings import Settings

    subject = check_subject(options.subject)
    settings = Settings.from_environment()
    if settings.oidc_issuer:
        raise StartRefused(f"{settings.oidc_issuer} gives the tokens: there is no development key")
    key = DevelopmentKey(settings.key_file, settings.sqlite_path)
    print(key.token(subject, SystemClock()))


def _owner(options: argparse.Namespace) -> None:
    from adapters.auth.development import ISSUER
    from entrypoints.settings import Settings

    issuer = options.issuer
    if issuer is None:
        issuer = Settings.from_environment().oidc_issuer or ISSUER
    print(Owner(issuer, options.subject).key)


def _check_config(options: argparse.Namespace) -> None:
    from entrypoints.settings import PREFIX

    container = _container()
    settings = container.settings()
    if settings.storage == "postgresql":
        container.reading()  # which refuses a URL that cannot work
    shown = settings.model_dump(mode="json") | {
        "database_url": settings.shown_database_url,
        "database_read_url": settings.shown_database_read_url,
        "rate_limit_storage_url": settings.shown_rate_limit_storage_url,
    }
    for name, value in shown.items():
        print(f"{PREFIX}{name.upper()}={_as_variable(value)}")
    if options.connect:
        asyncio.run(_connect(container))


async def _connect(container: "Container") -> None:
    """Try the storage, and print what was found. Raises StartRefused."""
    settings = container.settings()
    if settings.storage != "postgresql":
        is_current = await container.storage().is_current()
        todo = "its schema is up to date" if is_current else "serve brings its schema up to date"
        print(f"database: {settings.storage}; {todo}")
        return
    from adapters.sql.postgresql import probe

    tried = {"database": container.database_options}
    if settings.database_read_url:
        tried["standby"] = container.standby_options
    for name, options in tried.items():
        told, is_current = await probe(options())
        print(f"{name}: {told}; its schema is {'' if is_current else 'not '}up to date")
        if not is_current:
            raise StartRefused("the schema is not up to date: run chat-sessions migrate")


def _container() -> "Container":
    """One whose waiting for a database is told on stderr."""
    from dependency_injector import providers

    from entrypoints.container import Container
    from entrypoints.settings import Settings

    settings = Settings.from_environment()

    def tell(cause: str) -> None:
        allowed = f"up to {settings.database_start_seconds:g} s"
        print(f"chat-sessions: waiting {allowed}: {cause}", file=sys.stderr, flush=True)

    return Container(settings=settings, tell_waiting=providers.Object(tell))


def _as_variable(value: object) -> object:
    return ",".join(map(str, value)) if isinstance(value, list) else "" if value is None else value


def _openapi(_: argparse.Namespace) -> None:
    from entrypoints.http.app import routed_app

    print(json.dumps(routed_app().openapi(), indent=2))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chat-sessions",
        description="Keeps people's chat sessions. Settings come from CHAT_SESSIONS_* variables.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], None], about: str) -> _Option:
        command = commands.add_parser(name, help=about, description=about)
        command.set_defaults(run=run)
        return command.add_argument

    add("serve", _serve, "Serve until SIGTERM or Ctrl-C.")
    option = add("migrate", _migrate, "Bring the database's schema up to date.")
    option("--check", action="store_true", help="only tell, by the exit code, whether it is")
    add("purge", _purge, "Forget idempotency keys older than 24 hours.")
    option = add("token", _token, "Print a development token that holds for 12 hours.")
    option("--subject", required=True, help="whom it speaks for")
    option = add("owner", _owner, "Print the key under which an owner's data is stored.")
    option("--issuer", help="the tokens' iss; without it that of this service's")
    option("--subject", required=True, help="the tokens' sub")
    option = add("check-config", _check_config, "Check the settings and print them.")
    option("--connect", action="store_true", help="try the database, too, and say what it is")
    add("openapi", _openapi, "Print the API's OpenAPI description.")
    return parser
