"""For a server that wants a factory.

`uvicorn --factory --no-proxy-headers --no-server-header entrypoints.asgi:create`: a server adds its
own `Server` past the application, and only its own option prevents that.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from starlette.types import ASGIApp

from application.ports.authenticator import Scope
from entrypoints.container import Container
from entrypoints.http.app import HttpOptions, create_app
from entrypoints.http.measures import Telemetry
from entrypoints.http.reference.sign_in import SignIn
from entrypoints.settings import Settings
from entrypoints.telemetry.logs import configure_logs
from entrypoints.telemetry.providers import FLUSH_SECONDS
from entrypoints.version import VERSION

_log = structlog.get_logger("chat_sessions")


def create() -> ASGIApp:
    """The application as the environment sets it up.

    Raises SettingsError, KeyRefused; its lifespan raises StorageRefused.
    """
    settings = Settings.from_environment()
    configure_logs(settings.log_format)
    return application(settings, Container(settings=settings))


def application(settings: Settings, container: Container) -> ASGIApp:
    telemetry = container.telemetry()

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        storage, authenticator = container.reading(), container.authenticator()
        await storage.open()
        try:
            await authenticator.open()
            _log.info(
                "service.started",
                version=VERSION,
                url=settings.base_url,
                storage=settings.storage,
            )
            yield
        finally:
            flush = telemetry.flush()
            await authenticator.close()
            await container.rate_limit_storage().aclose()
            await storage.close()
            await asyncio.to_thread(flush.join, FLUSH_SECONDS)
            _log.info("service.stopped")

    drain = container.drain()
    options = HttpOptions(
        base_url=settings.base_url,
        public_url=settings.base_url if settings.public_url else "",
        hosts=settings.hosts,
        max_body_bytes=settings.max_body_bytes,
        accepts_address=settings.serves_at,
        is_stopping=lambda: drain.begun,
        sign_in=_sign_in(settings),
        limits=container.rate_limits(),
        hsts_seconds=settings.hsts_seconds if settings.base_url.startswith("https:") else 0,
        origins=settings.cors_origins,
    )
    observers = Telemetry(
        meters=telemetry.meters,
        requests=telemetry.requests,
        traces=telemetry.traces,
        exposition=telemetry.exposition,
    )
    return create_app(
        container.use_cases(), container.authenticator(), options, observers, lifespan
    )


def _sign_in(settings: Settings) -> SignIn | None:
    if not (settings.oidc_issuer and settings.oidc_audience):
        return None
    return SignIn(
        issuer=settings.oidc_issuer,
        audience=settings.oidc_audience,
        client_id=settings.oidc_docs_client_id,
        scopes=tuple(Scope) if settings.oidc_require_scopes else (),
    )
