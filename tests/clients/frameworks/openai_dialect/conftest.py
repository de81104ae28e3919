from collections.abc import Iterator, Mapping

import pytest
from openai import AsyncOpenAI, OpenAI

from tests.clients.frameworks.service import Service
from tests.clients.losing_proxy import LosingProxy, losing


class Dialect(Service):
    """The service that speaks OpenAI's Conversations API too."""

    @property
    def base_url(self) -> str:
        """What OpenAI's clients are given for theirs."""
        host, port = self.address
        return f"http://{host}:{port}/v1"

    def _environment(self) -> Mapping[str, str]:
        return {**super()._environment(), "CHAT_SESSIONS_OPENAI_DIALECT": "true"}


@pytest.fixture(scope="package")
def dialect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dialect]:
    service = Dialect(tmp_path_factory.mktemp("dialect"))
    try:
        yield service
    finally:
        service.kill()


@pytest.fixture
def proxy(dialect: Dialect) -> Iterator[LosingProxy]:
    with losing(*dialect.address) as proxy:
        yield proxy


@pytest.fixture
def client(dialect: Dialect) -> Iterator[OpenAI]:
    """As its user makes one: the address and a token are all there is to set."""
    with OpenAI(base_url=dialect.base_url, api_key=dialect.token("alice")) as client:
        yield client


def through(proxy: LosingProxy, dialect: Dialect) -> AsyncOpenAI:
    """A client whose answers get lost."""
    return AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key=dialect.token("alice"))
