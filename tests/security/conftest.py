from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.entrypoints.conftest import Api, opened
from tests.security.kept import KEPT, Kept


@pytest.fixture(autouse=True)
def _unrendered() -> Iterator[None]:
    """Of thousands of lines that nobody reads none is made; tracebacks would take seconds each."""
    with capture_logs():
        yield


@pytest.fixture
def options() -> dict[str, Any]:
    """Settings that a test changes."""
    return {}


@pytest.fixture(params=KEPT)
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kept]:
    async with KEPT[request.param](tmp_path) as made:
        yield made


@pytest.fixture
async def api(kept: Kept, tmp_path: Path, options: dict[str, Any]) -> AsyncIterator[Api]:
    async with opened(kept.storage, tmp_path, options) as api:
        yield api
