from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from dependency_injector import providers

from application.use_cases import UseCases
from entrypoints.container import Container
from entrypoints.settings import Settings
from tests.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(database_url="memory://", development_key_file=tmp_path / "key.pem")


@pytest.fixture
async def do(settings: Settings, clock: ManualClock) -> AsyncIterator[UseCases]:
    container = Container(settings=settings, clock=providers.Object(clock))
    yield container.use_cases()
    await container.storage().close()
