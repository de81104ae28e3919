"""What is plainly right is read without FastAPI, and means what it means with it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.memory import MemoryStorage
from entrypoints.http import gate
from entrypoints.http.plain import Unusual
from tests.entrypoints.conftest import Api, opened

NUMBERS = st.sampled_from(
    ["0", "1", "50", "200", "201", "2147483647", "2147483648", "9" * 19, "-1", "01", "+1", "1.0"]
) | st.sampled_from(["1_0", " 1", "1 ", "", "٣", "x"])
QUERIES = st.dictionaries(
    st.sampled_from(["limit", "offset", "sort_by", "sort_order", "after", "before", "cursor"]),
    NUMBERS
    | st.sampled_from(["asc", "desc", "ASC", "created_at", "last_updated", "timestamp", "id"])
    | st.sampled_from(["AQgABkde9ldPNwGiCr6YGXcoqkUkRpZtZrs", "A" * 35, "=", "a" * 101]),
    max_size=3,
)
MESSAGES: st.SearchStrategy[Any] = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "tool", "USER", 1, None]), "content": st.just("x")},
        optional={"metadata": st.sampled_from([{}, {"a": [1.5]}, None, [], "x"]), "id": st.none()},
    ),
    max_size=2,
)
BODIES: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from([None, " t ", "", 1, ["t"]]),
        "metadata": st.sampled_from([{}, {"a": None}, None, 5]),
        "messages": MESSAGES | st.none(),
        "other": st.just(1),
    },
) | st.sampled_from([None, [], 1, "x", True])
TAGS = st.sampled_from([None, "*", '"x"', 'W/"1"', "x", ""])
KEYS = st.sampled_from([None, "k", "k k", " k", "é", "", "x" * 255, "x" * 256])


@pytest.fixture(scope="session")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Api, Api]]:
    """A service as it is, and one in which FastAPI looks at everything."""
    looked_at = 0

    def never(_: Any) -> Any:
        async def read(*_: Any) -> Any:
            nonlocal looked_at
            looked_at += 1
            raise Unusual

        return read

    async with AsyncExitStack() as stack:
        folder = tmp_path_factory.mktemp("both")
        plain = await stack.enter_async_context(opened(MemoryStorage(), folder, {}))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gate, "plainly", never)
            full = await stack.enter_async_context(opened(MemoryStorage(), folder, {}))
        yield plain, full
        assert looked_at


async def check(both: tuple[Api, Api], method: str, path: str, **request: Any) -> None:
    answers = [await _answered(api, method, path, request) for api in both]
    assert answers[0] == answers[1]


async def _answered(api: Api, method: str, path: str, request: Any) -> tuple[int, Any]:
    session = await api.create()
    answer = await api.ask(method, path.format(session["id"]), **request)
    return answer.status_code, _stable(answer, session["id"])


def _stable(answer: httpx2.Response, session_id: str) -> Any:
    """Without what is another's in each answer."""
    if answer.status_code >= 400:
        return answer.json()["errors"] if answer.status_code == 422 else None
    if not answer.content:
        return None
    body = answer.json()
    changing = {"id", "created_at", "last_updated", "timestamp", "session_id"}
    if "items" in body:
        links = answer.headers.get("link", "").replace(session_id, "")
        return [len(body["items"]), links.count("rel=")]
    return {name: value for name, value in body.items() if name not in changing}


LISTS = st.sampled_from(["/sessions", "/sessions/{}/messages"])
POSTS = st.sampled_from(["/sessions", "/sessions/{}/messages"])


@given(path=LISTS, query=QUERIES)
async def test_a_query_means_the_same_both_ways(
    both: tuple[Api, Api], path: str, query: dict[str, str]
) -> None:
    await check(both, "GET", path, params=query)


@given(path=POSTS, body=BODIES, key=KEYS)
async def test_a_body_and_a_key_mean_the_same_both_ways(
    both: tuple[Api, Api], path: str, body: Any, key: str | None
) -> None:
    headers = {} if key is None else {"Idempotency-Key": key.encode()}
    await check(both, "POST", path, json=body, headers=headers)


@given(TAGS)
async def test_a_condition_means_the_same_both_ways(both: tuple[Api, Api], tag: str | None) -> None:
    for method, name in (("GET", "If-None-Match"), ("DELETE", "If-Match")):
        headers = {} if tag is None else {name: tag}
        await check(both, method, "/sessions/{}", headers=headers)
