"""Running the service as a process."""

import asyncio
import gc
import socket
import sys

import uvloop

from application.errors import StartRefused
from entrypoints.asgi import application
from entrypoints.container import Container
from entrypoints.server import Server
from entrypoints.server.patience import Patience
from entrypoints.settings import Settings
from entrypoints.telemetry.logs import configure_logs

LINES_SECONDS = 0.2
"""For whoever reads the log slowly to take the last lines of it."""


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises StartRefused."""
    lines = configure_logs(settings.log_format)
    with _listening(settings) as listener:
        actual = settings.model_copy(update={"port": listener.getsockname()[1]})
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(actual, listener))
    lines.finish(LINES_SECONDS)


async def _serve(settings: Settings, listener: socket.socket) -> None:
    container = Container(settings=settings)
    storage = container.reading()
    await storage.open()
    try:
        app = application(settings, container)
        drain = container.drain()
        server = Server(app, Patience.of(settings), settings.drain_seconds, drain.begin)
        server.heed_signals()
        print(_welcome(settings, container), file=sys.stderr, flush=True)
        gc.freeze()
        gc.enable()
        await server.serve(sockets=[listener])
    finally:
        await storage.close()


def _listening(settings: Settings) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(2048)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise StartRefused(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}"
        ) from error
    return listener


def _welcome(settings: Settings, container: Container) -> str:
    """What a newcomer pastes first."""
    url = settings.base_url
    serves = f"chat-sessions serves {url} (reference: {url}/docs). Ctrl-C ends it."
    if settings.oidc_issuer:
        return f"""\
{serves}
It takes access tokens of {settings.oidc_issuer} for {settings.oidc_audience}.

curl -i {url}/readyz
"""
    token = container.development_key().token("alice", container.clock())
    bearer = '-H "Authorization: Bearer $TOKEN"'
    session = '{"title": "First steps", "messages": [{"role": "user", "content": "Hello"}]}'
    return f"""\
{serves}
A token for the person "alice", and what to do with it:

export TOKEN={token}
curl -i {url}/readyz
curl -i {url}/sessions {bearer} -H "Content-Type: application/json" -d '{session}'
curl -i {url}/sessions {bearer}
"""
