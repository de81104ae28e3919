"""The commands that check the settings and a token."""

import re
import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from application.errors import StartRefused, Unavailable
from entrypoints.cli.invocation import Invocation, new_container
from entrypoints.signals import StopSignals
from entrypoints.streams import write_stderr

if TYPE_CHECKING:
    from entrypoints.container import Container

_INPUT_MAX = 64 * 1024
"""The most characters that are read of a token on standard input."""

_AUTHORIZATION = re.compile(r"(authorization:\s*)?(bearer\s*)?", re.IGNORECASE)
"""What may stand before a token that was copied from a request."""


def check_config(
    context: typer.Context,
    connect: Annotated[
        bool, typer.Option("--connect", help="Try the database, too, and say what it is.")
    ] = False,
) -> None:
    """Check the settings and print them."""
    invocation = Invocation.of(context)
    invocation.check_stdout()
    from entrypoints.settings import PREFIX

    container = new_container()
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
    _show_providers(container, invocation.signals)
    if connect:
        invocation.signals.run(_connect(container))


def _show_providers(container: "Container", signals: StopSignals) -> None:
    """Print what each says of itself. One that is away is told on stderr, and no more: settings
    are checked where it cannot be reached, too."""
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
        server, is_current = await probe(options())
        print(f"{name}: {server}; its schema is {'' if is_current else 'not '}up to date")
        if not is_current:
            raise StartRefused("the schema is not up to date: run chat-sessions migrate")


def _as_variable(value: object) -> object:
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else value


def check_token(context: typer.Context) -> None:
    """Say why the token on standard input holds, or does not."""
    invocation = Invocation.of(context)
    invocation.check_stdout()
    if context.args:
        raise StartRefused("check-token takes no argument: it reads the token on standard input")
    if sys.stdin is None or sys.stdin.closed:
        raise StartRefused("standard input is closed, and that is where the token is read")
    text = _AUTHORIZATION.sub("", sys.stdin.read(_INPUT_MAX).strip(), count=1).strip("\"' ")
    if not text:
        raise StartRefused("there is no token on standard input")
    container = new_container()
    settings = container.settings()
    if settings.identity == "development" and not settings.key_file.exists():
        raise StartRefused(
            "no identity provider is set (CHAT_SESSIONS_OIDC_ISSUER), and there is no development "
            f"key in {settings.key_file}"
        )
    broken, lacking = invocation.signals.run(_explained(container, text))
    if broken:
        raise StartRefused(f"the token does not hold: {', '.join(broken)}")
    print(
        f"The token holds, but not for all requests: it lacks {lacking}."
        if lacking
        else "The token holds."
    )


async def _explained(container: "Container", text: str) -> tuple[list[str], str]:
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
