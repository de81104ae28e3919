from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.faults.crowd import Https
from tests.faults.databases import DATABASES, Database
from tests.faults.service import running


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of every service process, so that one token is good for all."""
    return tmp_path_factory.mktemp("key") / "key.pem"


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    return DATABASES[request.param](tmp_path)


@pytest.fixture(scope="session", params=DATABASES)
def shared_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Database:
    return DATABASES[request.param](tmp_path_factory.mktemp("database"))


@pytest.fixture(scope="session")
async def https(
    tmp_path_factory: pytest.TempPathFactory, key: Path, shared_database: Database
) -> AsyncIterator[Https]:
    """Of services that many tests share: a start costs more than most of them."""
    async with AsyncExitStack() as stack:
        found = []
        for _ in range(shared_database.processes):
            folder = tmp_path_factory.mktemp("process")
            service = running(folder, key, CHAT_SESSIONS_DATABASE_URL=shared_database.url)
            found.append((await stack.enter_async_context(service)).http)
        yield found[0], found[-1]
