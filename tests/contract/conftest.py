from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from application.ports.storage import Storage
from tests.contract.backends import BACKENDS

NewStorage = Callable[[], AbstractAsyncContextManager[Storage]]


@pytest.fixture(scope="session", params=BACKENDS)
def new_storage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> NewStorage:
    """A fresh, open storage each time it is entered."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Storage]:
        storage = BACKENDS[request.param](tmp_path_factory.mktemp("storage"))
        await storage.open()
        try:
            yield storage
        finally:
            await storage.close()

    return opened


@pytest.fixture(scope="session")
async def shared_storage(new_storage: NewStorage) -> AsyncIterator[Storage]:
    """One that stays open, for tests that give each example an owner of its own."""
    async with new_storage() as opened:
        yield opened


@pytest.fixture
async def storage(new_storage: NewStorage) -> AsyncIterator[Storage]:
    async with new_storage() as opened:
        yield opened
