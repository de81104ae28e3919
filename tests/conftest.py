import pytest
from hypothesis import settings

settings.register_profile("default", deadline=None, max_examples=30, print_blob=True)
settings.load_profile("default")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
