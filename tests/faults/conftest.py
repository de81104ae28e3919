from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.faults.crowd import Https
from tests.faults.databases import DATABASES, Database
from tests.faults.service import running
from tests.faults.tally import Tally

FOLDER = Path(__file__).parent
FULL_SECONDS = 1200
TALLY = pytest.StashKey[Tally]()

Sized = Callable[[int, int], int]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="faults at the size that is promised")


def is_full(config: pytest.Config) -> bool:
    # The option is unknown where the run did not begin in this folder.
    return bool(config.getoption("full", default=False))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if is_full(config):
        for item in items:
            if item.path.is_relative_to(FOLDER):
                item.add_marker(pytest.mark.timeout(FULL_SECONDS))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    tally = config.stash.get(TALLY, Tally())
    if tally.rows:
        size = "full size" if is_full(config) else "small; --full for the promised size"
        terminalreporter.section(f"figures ({size})")
        for line in tally.lines():
            terminalreporter.line(line)


@pytest.fixture
def sized(pytestconfig: pytest.Config) -> Sized:
    """Picks the small number or the full one."""
    return lambda small, full: full if is_full(pytestconfig) else small


@pytest.fixture
def tally(pytestconfig: pytest.Config) -> Tally:
    return pytestconfig.stash.setdefault(TALLY, Tally())


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
