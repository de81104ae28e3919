"""A request is served in the event loop: a hop to a thread costs more than most of the rest."""

import anyio.to_thread
import pytest

from tests.entrypoints.conftest import Api
from tests.routes import ROUTES


@pytest.fixture
def backend() -> str:
    return "memory"


async def test_no_request_is_handed_to_a_thread(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """As FastAPI does with every dependency that is a plain function."""
    handed: list[str] = []

    async def run_sync(act: object, *_: object, **__: object) -> None:
        handed.append(repr(act))
        raise AssertionError(handed)

    monkeypatch.setattr(anyio.to_thread, "run_sync", run_sync)
    session_id = (await api.create())["id"]
    for route in ROUTES:
        answer = await api.ask(route.method, route.target(session_id), json=route.body)
        assert answer.status_code == route.status, route.operation
    assert not handed
