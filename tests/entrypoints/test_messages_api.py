"""Messages as a client meets them."""

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.entrypoints.conftest import Api, pointers, problem


async def test_appended_messages_come_back_in_place(api: Api) -> None:
    session = await api.create(messages=[{"role": "user", "content": "one"}])
    path = f"/sessions/{session['id']}/messages"
    response = await api.ask(
        "POST",
        path,
        json={
            "messages": [
                {"role": "assistant", "content": "", "metadata": {"model": "m"}},
                {"role": "tool", "content": "three"},
            ]
        },
    )
    assert response.status_code == 201
    items = response.json()["items"]
    assert [item["message_order"] for item in items] == [2, 3]
    assert items[0]["metadata"] == {"model": "m"}
    assert {item["session_id"] for item in items} == {session["id"]}
    page = (await api.ask("GET", path)).json()
    assert page["items"][1:] == items
    found = (await api.ask("GET", f"/sessions/{session['id']}")).json()
    assert (found["message_count"], found["last_updated"]) == (3, items[-1]["timestamp"])


async def test_a_batch_with_one_bad_message_stores_none(api: Api) -> None:
    session = await api.create()
    path = f"/sessions/{session['id']}/messages"
    said = [{"role": "user", "content": "fine"}, {"role": "nobody", "content": "x" * 100_001}]
    response = await api.ask("POST", path, json={"messages": said})
    assert pointers(response) == {"#/messages/1/role", "#/messages/1/content"}
    assert (await api.ask("GET", path)).json()["pagination"]["total"] == 0


@pytest.mark.parametrize("body", [{}, {"messages": []}, {"messages": None}, {"messages": "x"}])
async def test_a_batch_that_is_none_is_refused(api: Api, body: dict[str, object]) -> None:
    session = await api.create()
    response = await api.ask("POST", f"/sessions/{session['id']}/messages", json=body)
    assert pointers(response) == {"#/messages"}


async def test_sixteen_clients_append_to_one_session_at_once(api: Api) -> None:
    session = await api.create()
    path = f"/sessions/{session['id']}/messages"

    async def client(name: int) -> None:
        for turn in range(5):
            said = [{"role": "user", "content": f"{name}.{turn}"}]
            response = await api.ask("POST", path, json={"messages": said})
            assert response.status_code == 201, response.text

    await asyncio.gather(*map(client, range(16)))
    page = (await api.ask("GET", f"{path}?limit=200")).json()
    assert [message["message_order"] for message in page["items"]] == list(range(1, 81))
    assert len({message["content"] for message in page["items"]}) == 80


@given(content=st.text(st.characters(), max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
async def test_text_is_kept_byte_for_byte_or_refused(api: Api, content: str) -> None:
    """A lone surrogate is no JSON string, NUL is one that cannot be kept."""
    session = await api.create()
    path = f"/sessions/{session['id']}/messages"
    body = json.dumps({"messages": [{"role": "user", "content": content}]})
    response = await api.send(path, body)
    stored = (await api.ask("GET", path)).json()["items"]
    if any("\ud800" <= character <= "\udfff" for character in content):
        problem(response, 400)
        assert stored == []
    elif "\0" in content:
        problem(response, 422)
        assert stored == []
    else:
        assert response.status_code == 201
        assert stored[0]["content"] == content
