import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from entrypoints import time_limits
from tests.tally import Tally
from tests.waiting import WAIT_SECONDS

settings.register_profile(
    "default",
    deadline=None,
    max_examples=30,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is
)
settings.load_profile("default")

AT_FULL_SIZE = tuple(
    Path(__file__).parent / folder for folder in ("cluster", "faults", "security", "system")
)
FULL_SECONDS = 1200
TALLY = pytest.StashKey[Tally]()

Sized = Callable[[int, int], int]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="tests at the size that is promised")


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: many tests wait for a service most of their time."""
    return len(os.sched_getaffinity(0)) + 1


def is_full(config: pytest.Config) -> bool:
    # The option is unknown where the run did not begin in this folder.
    return bool(config.getoption("full", default=False))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if is_full(config):
        for item in items:
            if any(item.path.is_relative_to(folder) for folder in AT_FULL_SIZE):
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


@pytest.fixture(autouse=True)
def _answers_may_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process: a busy machine must not make a 503 of what is asked here."""
    monkeypatch.setattr(time_limits, "REQUEST_TIMEOUT", WAIT_SECONDS)


@pytest.fixture
def sized(pytestconfig: pytest.Config) -> Sized:
    """Picks the small number or the full one."""
    return lambda small, full: full if is_full(pytestconfig) else small


@pytest.fixture
def longest(sized: Sized) -> float:
    """Seconds that an answer may take, and that healing may take: five is what is promised, and is
    held to at full size, on a quiet machine. A busy one adds to it."""
    return sized(20, 5)


@pytest.fixture
def exit_longest(sized: Sized) -> float:
    """Seconds from SIGTERM to the end: ten is what is promised, and is held to at full size."""
    return sized(30, 10)


@pytest.fixture
def tally(pytestconfig: pytest.Config) -> Tally:
    return pytestconfig.stash.setdefault(TALLY, Tally())


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
