import pytest

from adapters.memory import MemoryStorage
from adapters.system import Uuid7Identifiers
from application.use_cases import UseCases, build_use_cases
from tests.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def hide_foreign() -> bool:
    return False


@pytest.fixture
def do(clock: ManualClock, *, hide_foreign: bool) -> UseCases:
    storage = MemoryStorage()
    return build_use_cases(
        storage=storage,
        reads=storage,
        clock=clock,
        identifiers=Uuid7Identifiers(),
        hide_foreign=hide_foreign,
        parts={},
        standbys={},
        wrap=lambda use_case: use_case,
    )
