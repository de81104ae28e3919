"""Build the ASGI application, also for a server that takes a factory.

`uvicorn --factory --http h11 --no-proxy-headers --no-server-header entrypoints.asgi:create`. With
httptools, plain uvicorn takes trailers for headers. A server adds its own `Server` header outside
the application, where only the server's option prevents that. Plain uvicorn does not say that it
stops, so it waits for streams of events: give it `--timeout-graceful-shutdown`.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from application.errors import StartRefused
from application.followers import LOOK_SECONDS
from entrypoints import jobs
from entrypoints.container import Container, preset_of, sign_in_notes
from entrypoints.failure_messages import described
from entrypoints.http.app import HttpOptions, create_app
from entrypoints.http.openapi.sign_in import SignIn
from entrypoints.installation import check_installation
from entrypoints.issuers_file import Issuer
from entrypoints.setting_types import is_web_address
from entrypoints.settings import Settings
from entrypoints.streams import open_missing_streams, write_stderr
from entrypoints.telemetry.logs import configure_logs
from entrypoints.telemetry.tracing import FLUSH_TIMEOUT
from entrypoints.version import VERSION

TEND_INTERVAL = 5.0
"""Seconds from one look for what the search index lacks to the next."""

_log = structlog.get_logger("chat_sessions")


def create() -> ASGIApp:
    """Build the application from the environment.

    If it cannot start, one line on standard error says why, and the server ends with a code other
    than 0: here by SystemExit, and in the lifespan by the answer that the start has failed.
    """
    open_missing_streams()
    try:
        check_installation(sys.argv[0])
        for line in Settings.unknown_variables():
            write_stderr(f"chat-sessions: {line}")
        settings = Settings.from_environment()
        configure_logs(settings.log_format)
        url = settings.base_url if settings.public_url else None  # the port is the server's
        return _ReportingLifespan(application(settings, Container(settings=settings), url))
    except StartRefused as error:
        write_stderr(f"chat-sessions: {error}")
        raise SystemExit(1) from None


class _ReportingLifespan:
    """Wraps the application so that a failed start is one line, without a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        failures: list[Message] = []

        async def hold(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed":
                failures.append(message)
            else:
                await send(message)

        try:
            await self._app(scope, receive, hold)
        except Exception as error:
            if not failures:
                raise
            line = f"chat-sessions: {described(error)}"
            write_stderr(line)
            await send({**failures[0], "message": line})


def application(settings: Settings, container: Container, url: str | None = None) -> ASGIApp:
    """Build the application. `url` is where it is served, if that is known."""
    tracing, use_cases = container.tracing(), container.use_cases()
    followers = use_cases.followers
    container.metrics().followers.set_function(lambda: followers.count)

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        storage, authenticator = container.reading(), container.authenticator()
        await storage.open()
        try:
            running = {"signing keys": authenticator.keep_current}
            for name, work, interval in (
                ("following", followers.look, LOOK_SECONDS),
                ("search index", container.tend_search_index(), TEND_INTERVAL),
            ):
                running[name] = jobs.repeated(name, work, interval)
            async with jobs.running(running):
                _log.info(
                    "service.started",
                    version=VERSION,
                    **({"url": url} if url else {}),
                    storage=settings.storage,
                    database=settings.shown_database_url,
                    **_providers(container.issuers()),
                )
                for issuer in container.issuers():
                    for note in sign_in_notes(issuer):
                        _log.warning("tokens.note", issuer=issuer.name, reason=note)
                yield
        finally:
            flush = tracing.flush()
            await authenticator.close()
            await container.rate_limit_storage().close()
            await storage.close()
            await asyncio.to_thread(flush.join, FLUSH_TIMEOUT)
            _log.info("service.stopped")

    drain = container.drain()
    drain.when_begun(followers.stop)
    options = HttpOptions(
        base_url=settings.base_url,
        public_url=settings.base_url if settings.public_url else "",
        hosts=settings.hosts,
        max_body_bytes=settings.max_body_bytes,
        max_import_bytes=settings.import_max_bytes,
        accepts_address=settings.serves_at,
        is_stopping=lambda: drain.begun,
        sign_in=_sign_in(container.issuers(), settings.oidc_docs_client_id),
        limits=container.rate_limits(),
        hsts_seconds=settings.hsts_seconds if settings.base_url.startswith("https:") else 0,
        origins=settings.cors_origins,
        metrics=container.metrics(),
        scopes=_scopes(container.issuers()),
        clock=container.clock(),
        events_seconds=settings.events_seconds,
        traces=tracing.provider,
        openai_dialect=settings.openai_dialect,
    )
    return create_app(use_cases, container.authenticator(), options, lifespan)


def _providers(issuers: Sequence[Issuer]) -> dict[str, str]:
    """Return the log's field with the presets that the issuers' tokens are checked by."""
    names = ",".join(preset_of(issuer).name for issuer in issuers)
    return {"provider": names} if names else {}


def _sign_in(issuers: Sequence[Issuer], client_id: str | None) -> SignIn | None:
    """Return how to sign in, with the first issuer that has an address, if any does."""
    found = [issuer for issuer in issuers if is_web_address(issuer.name)]
    if not found:
        return None
    settings = found[0].settings
    scopes = {"read": settings.oidc_scope_read, "write": settings.oidc_scope_write}
    return SignIn(
        issuer=found[0].name,
        others=[issuer.name for issuer in found[1:]],
        audience=(settings.oidc_audience or ("",))[0],
        client_id=client_id,
        scopes=scopes if settings.oidc_require_scopes else {},
    )


def _scopes(issuers: Sequence[Issuer]) -> Sequence[str]:
    """Return the scopes that tokens must have, by the names that each issuer has for them."""
    names = [
        name
        for issuer in issuers
        if issuer.settings.oidc_require_scopes
        for name in (issuer.settings.oidc_scope_read, issuer.settings.oidc_scope_write)
    ]
    return tuple(dict.fromkeys(names))
