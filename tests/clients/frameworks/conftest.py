from collections.abc import Iterator

import pytest

from tests.clients.frameworks.service import Service, running
from tests.clients.losing_proxy import LosingProxy, losing


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def proxy(service: Service) -> Iterator[LosingProxy]:
    with losing(*service.address) as proxy:
        yield proxy
