from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import Served, serving

DESCRIPTION = Path(__file__).parents[2] / "docs" / "openapi.json"


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, CHAT_SESSIONS_DATABASE_URL="memory://") as served:
        yield served
