"""A request is served in the event loop: a hop to a thread costs more than most of the rest."""

import anyio.to_thread
import pytest

from tests.entrypoints.conftest import Api
from tests.security.routes import BODIES, gated_requests


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
    for path, method in gated_requests():
        session_id = (await api.create())["id"]
        given = {"json": BODIES[path, method]} if (path, method) in BODIES else {}
        answer = await api.ask(method, path.format(session_id=session_id), **given)
        assert answer.is_success, (method, path)
    assert not handed
