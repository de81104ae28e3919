"""For a server that wants a factory: `uvicorn --factory entrypoints.asgi:create`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from application.ports.authenticator import Scope
from entrypoints.container import Container
from entrypoints.http.app import HttpOptions, create_app
from entrypoints.http.measures import Telemetry
from entrypoints.logs import configure_logs
from entrypoints.settings import Settings


def create() -> ASGIApp:
    """The application as the environment sets it up.

    Raises SettingsError, KeyRefused; its lifespan raises StorageRefused.
    """
    settings = Settings.from_environment()
    configure_logs(settings.log_format)
    return application(settings, Container(settings=settings))


def application(settings: Settings, container: Container) -> ASGIApp:
    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        storage, authenticator = container.storage(), container.authenticator()
        await storage.open()
        try:
            await authenticator.open()
            yield
        finally:
            await authenticator.close()
            await storage.close()

    drain = container.drain()
    options = HttpOptions(
        base_url=settings.base_url,
        public_url=settings.base_url if settings.public_url else "",
        hosts=settings.hosts,
        max_body_bytes=settings.max_body_bytes,
        accepts_address=settings.serves_at,
        is_stopping=lambda: drain.begun,
        issuer=settings.oidc_issuer,
        scopes=tuple(Scope) if settings.oidc_require_scopes else (),
    )
    measured = container.telemetry()
    telemetry = Telemetry(meters=measured.meters, exposition=measured.exposition)
    return create_app(
        container.use_cases(), container.authenticator(), options, telemetry, lifespan
    )
