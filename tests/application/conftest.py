import pytest

from adapters.memory import MemoryStorage
from adapters.system import Uuid7Identifiers
from application.ports.storage import Storage
from application.use_cases import UseCases, build_use_cases
from tests.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def hide_foreign() -> bool:
    return False


@pytest.fixture
def storage() -> Storage:
    return MemoryStorage()


@pytest.fixture
def do(clock: ManualClock, storage: Storage, *, hide_foreign: bool) -> UseCases:
    return build_use_cases(
        storage=storage, clock=clock, identifiers=Uuid7Identifiers(), hide_foreign=hide_foreign
    )
