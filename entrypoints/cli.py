"""Run the commands of the command line, chat-sessions COMMAND, which `_parser` lists.

Little is imported before signals are handled, and a command imports what it needs when it runs, so
that none waits for another's libraries.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from entrypoints.signals import Stopped, StopSignals
from entrypoints.streams import leave_stdout, open_missing_streams, write_stderr
from entrypoints.version import VERSION

if TYPE_CHECKING:
    import argparse

    from entrypoints.container import Container
    from entrypoints.settings import Settings

    _Option = Callable[..., argparse.Action]
    _Run = Callable[[argparse.Namespace, StopSignals], None]

_INPUT_MAX = 64 * 1024
"""The most characters that are read of a token on standard input."""

_AUTHORIZATION = re.compile(r"(authorization:\s*)?(bearer\s*)?", re.IGNORECASE)
"""What may stand before a token that was copied from a request."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. A failure is one line on stderr and 1."""
    has_stdout = open_missing_streams()
    words = sys.argv[1:] if arguments is None else arguments
    with StopSignals(is_service=words[:1] == ["serve"]) as signals:
        try:
            from entrypoints.installation import check_installation

            check_installation(sys.argv[0])
            options = _options(words)
            _refuse_silence(options.run, has_stdout=has_stdout)
            options.run(options, signals)
            sys.stdout.flush()
        except Stopped:
            signals.end()
        except Exception as error:  # noqa: BLE001 - whatever it is, the operator gets one line
            from entrypoints.failure_messages import described

            leave_stdout()
            if not isinstance(error, BrokenPipeError):  # whoever reads the output has had enough
                write_stderr(f"chat-sessions: {described(error)}")
            return 1
    return 0


def _options(given: Sequence[str]) -> argparse.Namespace:
    """Read the arguments. What check-token is given is not repeated: it may be a token."""
    from application.errors import StartRefused

    parser = _parser()
    options, unknown = parser.parse_known_args(given)
    if unknown and options.run is _check_token:
        raise StartRefused("check-token takes no argument: it reads the token on standard input")
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return options


def _settings() -> Settings:
    """Read the settings, and report on stderr each variable that looks like one but is none."""
    from entrypoints.settings import Settings

    for line in Settings.unknown_variables():
        write_stderr(f"chat-sessions: {line}")
    return Settings.from_environment()


def _serve(_: argparse.Namespace, signals: StopSignals) -> None:
    import gc

    # Nearly everything that a start makes stays, and collecting garbage takes a tenth of it.
    gc.disable()

    from entrypoints.serve import serve

    serve(_settings(), signals)


def _migrate(options: argparse.Namespace, signals: StopSignals) -> None:
    from application.errors import StartRefused

    storage = _container().storage()
    if not options.check:
        signals.run(storage.migrate())
    elif not signals.run(storage.is_current()):
        raise StartRefused("the schema is not up to date: run chat-sessions migrate")


def _purge(_: argparse.Namespace, signals: StopSignals) -> None:
    from application.errors import StartRefused, Unavailable

    container = _container()

    async def purge() -> int:
        await container.storage().open()
        try:
            count: int = await container.purge_receipts()()
        except Unavailable as error:
            raise StartRefused(f"stopped halfway, run it again: {error}") from error
        else:
            return count
        finally:
            await container.storage().close()

    print(f"forgot {signals.run(purge())} idempotency keys")


def _token(options: argparse.Namespace, _: StopSignals) -> None:
    from adapters.auth import DevelopmentKey
    from adapters.system import SystemClock
    from application.errors import StartRefused
    from domain.owner import check_subject

    subject = check_subject(options.subject)
    settings = _settings()
    if settings.identity == "provider":
        named = settings.oidc_issuer or settings.oidc_issuers_file
        raise StartRefused(f"{named} gives the tokens: there is no development key")
    key = DevelopmentKey(settings.key_file, settings.sqlite_path)
    print(key.token(subject, SystemClock()))


def _owner(options: argparse.Namespace, _: StopSignals) -> None:
    from adapters.auth.development import ISSUER
    from application.errors import StartRefused
    from domain.owner import Owner
    from entrypoints.issuers_file import issuers_of

    issuer = options.issuer
    if issuer is None:
        people = [one.name for one in issuers_of(_settings()) if one.acts_for is None]
        if len(people) > 1:
            raise StartRefused(f"--issuer must be one of {', '.join(people)}")
        issuer = people[0] if people else ISSUER
    print(Owner(issuer, options.subject).key)


def _check_config(options: argparse.Namespace, signals: StopSignals) -> None:
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
    _show_providers(container, signals)
    if options.connect:
        signals.run(_connect(container))


def _show_providers(container: Container, signals: StopSignals) -> None:
    """Print what each says of itself. One that is away is told on stderr, and no more: settings
    are checked where it cannot be reached, too."""
    from application.errors import StartRefused, Unavailable
    from entrypoints.provider_check import ask_provider

    for issuer in container.issuers():
        try:
            line, keys = signals.run(ask_provider(issuer))
        except Unavailable as error:
            write_stderr(f"chat-sessions: {error}")
            continue
        print(line)
        if not keys:
            raise StartRefused(f"the identity provider {issuer.name} has no key that can be used")


async def _connect(container: Container) -> None:
    """Try the storage, and print what was found. Raises StartRefused."""
    from application.errors import StartRefused

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
        server, is_current = await probe(options())
        print(f"{name}: {server}; its schema is {'' if is_current else 'not '}up to date")
        if not is_current:
            raise StartRefused("the schema is not up to date: run chat-sessions migrate")


def _container() -> Container:
    """Build a container whose storage reports on stderr what it waits for and finds."""
    from dependency_injector import providers

    from entrypoints.container import Container
    from entrypoints.telemetry.logs import log_to_stderr

    settings = _settings()
    log_to_stderr()

    def log_waiting(cause: str) -> None:
        allowed = f"up to {settings.database_start_seconds:g} s"
        write_stderr(f"chat-sessions: waiting {allowed}: {cause}")

    return Container(settings=settings, log_waiting=providers.Object(log_waiting))


def _as_variable(value: object) -> object:
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else value


def _check_token(_: argparse.Namespace, signals: StopSignals) -> None:
    from application.errors import StartRefused

    if sys.stdin is None or sys.stdin.closed:
        raise StartRefused("standard input is closed, and that is where the token is read")
    text = _AUTHORIZATION.sub("", sys.stdin.read(_INPUT_MAX).strip(), count=1).strip("\"' ")
    if not text:
        raise StartRefused("there is no token on standard input")
    container = _container()
    settings = container.settings()
    if settings.identity == "development" and not settings.key_file.exists():
        raise StartRefused(
            "no identity provider is set (CHAT_SESSIONS_OIDC_ISSUER), and there is no development "
            f"key in {settings.key_file}"
        )
    broken, lacking = signals.run(_explained(container, text))
    if broken:
        raise StartRefused(f"the token does not hold: {', '.join(broken)}")
    print(
        f"The token holds, but not for all requests: it lacks {lacking}."
        if lacking
        else "The token holds."
    )


async def _explained(container: Container, text: str) -> tuple[list[str], str]:
    """Print what each rule says of the token. Return the rules that it breaks, and what it lacks
    though it holds."""
    from adapters.auth.explain import explain
    from entrypoints.issuers_file import setting_of

    authenticator = container.authenticator()
    setting = partial(setting_of, container.settings())
    broken, lacking = [], ""
    try:
        async for finding in explain(authenticator, text, setting):
            print(finding)
            if finding.holds is False:
                broken.append(finding.rule)
            lacking = finding.lacks or lacking
    finally:
        await authenticator.close()
    return broken, lacking


def _openapi(_: argparse.Namespace, __: StopSignals) -> None:
    import json

    from entrypoints.http.app import routed_app

    print(json.dumps(routed_app().openapi(), indent=2))


def _refuse_silence(run: _Run, *, has_stdout: bool) -> None:
    """Raise StartRefused if the command prints an answer and standard output is closed."""
    from application.errors import StartRefused

    if not has_stdout and run in (_token, _owner, _check_config, _check_token, _openapi):
        raise StartRefused("standard output is closed, and that is where the answer goes")


def _parser() -> argparse.ArgumentParser:
    import argparse

    parser = argparse.ArgumentParser(
        prog="chat-sessions",
        description="Keeps people's chat sessions. Settings come from CHAT_SESSIONS_* variables.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: _Run, about: str) -> _Option:
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
    add("check-token", _check_token, "Say why the token on standard input holds, or does not.")
    add("openapi", _openapi, "Print the API's OpenAPI description.")
    return parser
