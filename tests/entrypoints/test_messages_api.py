"""Messages as a client meets them."""

import pytest

from tests.entrypoints.conftest import Api, pointers


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
    said = [{"role": "user", "content": "fine"}, {"role": "nobody", "content": "x" * 300_001}]
    response = await api.ask("POST", path, json={"messages": said})
    assert pointers(response) == {"#/messages/1/role", "#/messages/1/content"}
    assert (await api.ask("GET", path)).json()["pagination"]["total"] == 0


@pytest.mark.parametrize("body", [{}, {"messages": []}, {"messages": None}, {"messages": "x"}])
async def test_a_batch_that_is_none_is_refused(api: Api, body: dict[str, object]) -> None:
    session = await api.create()
    response = await api.ask("POST", f"/sessions/{session['id']}/messages", json=body)
    assert pointers(response) == {"#/messages"}
