from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster, cluster
from tests.cluster.estate import Estate, estate


@pytest.fixture(scope="session")
async def nodes() -> AsyncIterator[Cluster]:
    async with cluster() as made:
        yield made


@pytest.fixture(scope="session")
async def both(nodes: Cluster, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Estate]:
    """Two service processes on one database of the cluster, each with its own way there."""
    folder: Path = tmp_path_factory.mktemp("estate")
    async with estate(nodes, folder) as made:
        yield made
