"""A storage of each kind, and what asks it in each way."""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from dependency_injector import providers

from adapters.system import Uuid7Identifiers
from application.ports.storage import Storage
from application.use_cases import build_use_cases
from domain.owner import Owner
from entrypoints.asgi import application
from entrypoints.container import Container
from entrypoints.settings import Settings
from tests.clock import ManualClock
from tests.contract.backends import BACKENDS
from tests.contract.drivers import Driver, UseCaseDriver
from tests.contract.http_driver import HttpDriver


@dataclass
class Service:
    """One storage and what asks it, for all histories of a test, which have people of their own."""

    driver: Driver
    clock: ManualClock
    runner: asyncio.Runner


def use_case_driver(storage: Storage, clock: ManualClock, _: Path) -> Driver:
    do = build_use_cases(storage=storage, clock=clock, identifiers=Uuid7Identifiers())
    return UseCaseDriver(do, lambda who: Owner("https://issuer.example", who))


def http_driver(storage: Storage, clock: ManualClock, folder: Path) -> Driver:
    container = Container(
        settings=Settings(database_url="memory://", development_key_file=folder / "key.pem"),
        storage=providers.Object(storage),
        clock=providers.Object(clock),
    )
    client = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(application(container.settings(), container)),
        base_url="http://127.0.0.1:8000",
    )
    key = container.development_key()
    return HttpDriver(client, lambda who: key.token(who, clock))


DRIVERS: dict[str, Callable[[Storage, ManualClock, Path], Driver]] = {
    "use cases": use_case_driver,
    "http": http_driver,
}


@contextmanager
def serving(backend: str, driver: str) -> Iterator[Service]:
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        storage, clock = BACKENDS[backend](Path(folder)), ManualClock()
        runner.run(storage.open())
        try:
            yield Service(DRIVERS[driver](storage, clock, Path(folder)), clock, runner)
        finally:
            runner.run(storage.close())
