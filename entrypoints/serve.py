"""Run the service as a process."""

import asyncio
import gc
import signal
import socket
from collections.abc import Sequence

import uvloop

from entrypoints import listeners
from entrypoints.asgi import application
from entrypoints.container import Container, preset_of, sign_in_notes
from entrypoints.http_server import http_server
from entrypoints.server.server import Server
from entrypoints.settings import Settings
from entrypoints.signals import StopSignals
from entrypoints.streams import write_stderr
from entrypoints.telemetry.logs import configure_logs

LOG_FLUSH_TIMEOUT = 0.2
"""How long a slow reader of the log has to take its last lines, in seconds."""

FORCED_EXIT_TIMEOUT = 1.0
"""How long after the second signal the process ends in any case, in seconds."""


def serve(settings: Settings, signals: StopSignals) -> None:
    """Serve until SIGTERM or SIGINT. Raises StartRefused, and Stopped where it has not begun."""
    lines = configure_logs(settings.log_format)
    with listeners.bound(settings.host, settings.port) as sockets:
        actual = settings.model_copy(update={"port": sockets[0].getsockname()[1]})
        serving = _serve(actual, sockets, signals)
        signals.run(serving, loop_factory=uvloop.new_event_loop)
    lines.finish(LOG_FLUSH_TIMEOUT)


async def _serve(
    settings: Settings, sockets: Sequence[socket.socket], signals: StopSignals
) -> None:
    container = Container(settings=settings)
    storage = container.reading()
    await storage.open()
    try:
        app = application(settings, container, settings.base_url)
        server = http_server(app, settings, container.drain())
        welcome = _welcome(settings, container)
        listeners.listen(sockets)
        _handle_signals(signals, server)
        write_stderr(welcome)
        gc.freeze()
        gc.enable()
        await server.serve(sockets=list(sockets))
    finally:
        await storage.close()


def _handle_signals(signals: StopSignals, server: Server) -> None:
    """Handle signals: SIGTERM drains, SIGINT does not wait, a second one ends all at once."""
    loop = asyncio.get_running_loop()

    def hurry(_: signal.Signals) -> float:
        loop.call_soon_threadsafe(server.hurry)
        return FORCED_EXIT_TIMEOUT

    def stop(taken: signal.Signals) -> None:
        signals.handler = hurry
        drains = taken == signal.SIGTERM
        loop.call_soon_threadsafe(server.terminate if drains else server.interrupt)

    signals.handler = stop


def _welcome(settings: Settings, container: Container) -> str:
    """Return what `serve` prints first: where it serves, and commands to try."""
    url = settings.base_url
    serves = f"chat-sessions serves {url} (reference: {url}/docs). Ctrl-C ends it."
    stored = f"Its storage is {settings.shown_database_url}"
    if settings.identity == "provider":
        return f"""\
{serves}
{stored}
{_tokens(container)}

curl -i {url}/readyz
"""
    token = container.development_key().token("alice", container.clock())
    bearer = '-H "Authorization: Bearer $TOKEN"'
    session = '{"title": "First steps", "messages": [{"role": "user", "content": "Hello"}]}'
    return f"""\
{serves}
{stored}
A token for the person "alice", and what to do with it:

export TOKEN={token}
curl -i {url}/readyz
curl -i {url}/sessions {bearer} -H "Content-Type: application/json" -d '{session}'
curl -i {url}/sessions {bearer}
"""


def _tokens(container: Container) -> str:
    """Say which tokens are accepted, and what an operator should know about that."""
    lines: list[str] = []
    for issuer in container.issuers():
        audiences = " or ".join(issuer.settings.oidc_audience or ())
        chosen = "as it is set" if issuer.settings.oidc_provider else "by its issuer"
        lines += [
            f"It takes access tokens of {issuer.name} for {audiences}.",
            f"The provider is read as {preset_of(issuer).name}, {chosen}.",
            *sign_in_notes(issuer),
        ]
    return "\n".join(lines)
