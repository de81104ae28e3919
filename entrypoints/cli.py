"""The command line: chat-sessions serve, migrate, token, owner, check-config, openapi."""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Sequence

from adapters.auth.development import ISSUER, KeyRefused
from application.errors import StorageRefused
from domain.errors import InvalidValue
from domain.owner import Owner, check_subject
from entrypoints.asgi import application
from entrypoints.container import Container
from entrypoints.http.app import routed_app
from entrypoints.logs import configure_logs
from entrypoints.server import Server, event_loop, listen
from entrypoints.settings import PREFIX, Settings, SettingsError

_Options = Callable[..., argparse.Action]


class CommandFailed(Exception):
    """The text is one line for the operator."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. A failure is one line on stderr and 1."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (CommandFailed, SettingsError, StorageRefused, KeyRefused) as error:
        print(f"chat-sessions: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _serve(_: argparse.Namespace) -> None:
    settings = Settings.from_environment()
    if not settings.listens_on_loopback:
        raise CommandFailed(
            "CHAT_SESSIONS_HOST: with a development key the service listens on loopback alone"
        )
    configure_logs(settings.log_format)
    try:
        listener = listen(settings.host, settings.port)
    except OSError as error:
        raise CommandFailed(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}"
        ) from error
    with listener:
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        container = Container(settings=settings)
        token = container.development_key().token("alice", container.clock())
        with asyncio.Runner(loop_factory=event_loop) as runner:
            runner.run(container.storage().open())
            print(_welcome(settings.base_url, token), file=sys.stderr, flush=True)
            app = application(settings, container)
            server = Server(app, settings.drain_seconds, container.drain().begin)
            runner.run(server.serve(sockets=[listener]))


def _migrate(_: argparse.Namespace) -> None:
    storage = Container(settings=Settings.from_environment()).storage()

    async def migrate() -> None:
        await storage.open()
        await storage.close()

    asyncio.run(migrate())


def _token(options: argparse.Namespace) -> None:
    try:
        subject = check_subject(options.subject)
    except InvalidValue as error:
        raise CommandFailed(f"--subject {error.detail}") from None
    container = Container(settings=Settings.from_environment())
    print(container.development_key().token(subject, container.clock()))


def _owner(options: argparse.Namespace) -> None:
    try:
        print(Owner(options.issuer, options.subject).key)
    except InvalidValue as error:
        raise CommandFailed(f"--{error.field[0]} {error.detail}") from None


def _check_config(_: argparse.Namespace) -> None:
    settings = Settings.from_environment()
    for name, value in settings.model_dump(mode="json").items():
        print(f"{PREFIX}{name.upper()}={_as_variable(value)}")


def _as_variable(value: object) -> object:
    return ",".join(map(str, value)) if isinstance(value, list) else "" if value is None else value


def _openapi(_: argparse.Namespace) -> None:
    print(json.dumps(routed_app().openapi(), indent=2))


def _welcome(url: str, token: str) -> str:
    """What a newcomer pastes first."""
    bearer = '-H "Authorization: Bearer $TOKEN"'
    session = '{"title": "First steps", "messages": [{"role": "user", "content": "Hello"}]}'
    return f"""\
chat-sessions serves {url} (reference: {url}/docs). Ctrl-C ends it.
A token for the person "alice", and what to do with it:

export TOKEN={token}
curl -i {url}/readyz
curl -i {url}/sessions {bearer} -H "Content-Type: application/json" -d '{session}'
curl -i {url}/sessions {bearer}
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chat-sessions",
        description="Keeps people's chat sessions. Settings come from CHAT_SESSIONS_* variables.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], None], about: str) -> _Options:
        command = commands.add_parser(name, help=about, description=about)
        command.set_defaults(run=run)
        return command.add_argument

    add("serve", _serve, "Serve until SIGTERM or Ctrl-C.")
    add("migrate", _migrate, "Bring the database's schema up to date.")
    option = add("token", _token, "Print a development token that holds for 12 hours.")
    option("--subject", required=True, help="whom it speaks for")
    option = add("owner", _owner, "Print the key under which an owner's data is stored.")
    option("--issuer", default=ISSUER, help="the tokens' iss")
    option("--subject", required=True, help="the tokens' sub")
    add("check-config", _check_config, "Check the settings and print them.")
    add("openapi", _openapi, "Print the API's OpenAPI description.")
    return parser
