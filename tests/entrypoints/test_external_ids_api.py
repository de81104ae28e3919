"""Ids of the client's: wherever an id stands in a path, and told where they are taken."""

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from tests.entrypoints.conftest import Api, before_storage, pointers, problem

EXTERNAL_IDS = [
    "chat-42", "a/b", "/", "a b", "é", "漢字/🛶", "%", "%2F", "a%2Fb", "..", "ext:x", "?#&=+",
    "messages", "last", "01a20ab2-e3be-7336-be46-7b4184e042f7", "\ufffd", "x" * 255, "🛶" * 255,
]  # fmt: skip


TIMES = ("2020-01-01T00:00:00Z", "2020-01-01T00:00:01Z")


def in_path(external_id: str) -> str:
    return f"/sessions/ext:{quote(external_id, safe='')}"


@before_storage
@pytest.mark.parametrize("external_id", EXTERNAL_IDS)
async def test_any_printable_id_stands_wherever_an_id_does(api: Api, external_id: str) -> None:
    path = in_path(external_id)
    said = [{"role": "user", "content": "one", "external_id": external_id}] * 1
    made = await api.ask("POST", "/sessions", json={"external_id": external_id, "messages": said})
    assert made.headers["location"] == f"/sessions/{made.json()['id']}"
    session = (await api.ask("GET", path)).json()
    assert session == made.json()
    assert session["external_id"] == external_id
    for name in (external_id.upper(), f"{external_id}x", external_id[:-1]):
        if name != external_id:
            problem(await api.ask("GET", in_path(name)), 404)
    message = f"{path}/messages/ext:{quote(external_id, safe='')}"
    assert (await api.ask("GET", message)).json()["message_order"] == 1
    page = await api.ask("GET", f"{path}/messages?limit=1")
    assert page.links["first"]["url"] == f"{path}/messages?limit=1&offset=0"
    assert (await api.ask("GET", page.links["first"]["url"])).json() == page.json()
    assert (await api.ask("PATCH", path, json={"pinned": True})).json()["pinned"] is True
    listed = await api.ask("GET", "/sessions", params={"external_id": external_id})
    assert [item["id"] for item in listed.json()["items"]] == [session["id"]]
    assert (await api.ask("GET", listed.links["first"]["url"])).json() == listed.json()
    assert (await api.ask("DELETE", path)).status_code == 204


NONE = [
    "ext:", "ext", "ext:%20a", "ext:a%20", "ext:%00", "ext:%0A", "ext:a%7F", "ext:%E2%80%8B",
    "ext:%FF", "ext:%ED%A0%BD", "ext:" + "x" * 256, "EXT:chat", "ext%253Achat", "ext:chat/x",
    "chat", "%2F", "a%2Fmessages",
]  # fmt: skip


@before_storage
@pytest.mark.parametrize("segment", NONE)
async def test_an_id_that_cannot_be_is_404(api: Api, segment: str) -> None:
    await api.create(external_id="chat")
    for path in (f"/sessions/{segment}", f"/sessions/{segment}/messages"):
        problem(await api.ask("GET", path), 404)


@before_storage
async def test_ids_are_taken_in_any_letters_and_given_in_small_ones(api: Api) -> None:
    session = await api.create(messages=[{"role": "user", "content": ""}])
    path = f"/sessions/{session['id'].upper()}"
    assert (await api.ask("GET", path)).json() == session
    links = (await api.ask("GET", f"{path}/messages")).links
    assert links["first"]["url"] == f"/sessions/{session['id']}/messages?offset=0"
    assert (await api.ask("GET", f"/sessions/ext:{session['id']}")).status_code == 404


async def test_a_taken_external_id_is_told_by_what(api: Api) -> None:
    session = await api.create(external_id="chat")
    taken = problem(await api.ask("POST", "/sessions", json={"external_id": "chat"}), 409)
    assert taken["type"].endswith(":session-exists")
    assert taken["session_id"] == session["id"]
    assert [error["pointer"] for error in taken["errors"]] == ["#/external_id"]
    await api.create("bob", external_id="chat")
    path = "/sessions/ext:chat/messages"
    first = {"role": "user", "content": "", "external_id": "a"}
    assert (await api.ask("POST", path, json={"messages": [first]})).is_success
    other = first | {"external_id": "b"}
    for body, pointer in (
        ({"messages": [other, first]}, "#/messages/1/external_id"),
        ({"format": "x", "messages": [{"id": "b"}, {"id": "a"}]}, "#/messages/1"),
    ):
        stale = {"If-Match": '"x"'}
        taken = problem(await api.ask("POST", path, json=body, headers=stale), 409)
        assert taken["type"].endswith(":message-exists")
        assert taken["message_order"] == 1
        assert [error["pointer"] for error in taken["errors"]] == [pointer]
    assert pointers(await api.ask("POST", path, json={"messages": [other, other]})) == {
        "#/messages/1/external_id"
    }
    assert (await api.ask("GET", path)).json()["pagination"]["total"] == 1


async def test_an_import_can_be_repeated(api: Api) -> None:
    """What is there already is left as it is, and all are given as they are stored."""
    path = "/sessions/ext:chat/messages?create=true&existing=keep"
    said = [{"role": "user", "content": str(n), "external_id": str(n)} for n in range(4)]
    first = (await api.ask("POST", path, json={"messages": said[:2]})).json()["items"]
    changed = [said[0] | {"content": "changed"}, said[2], said[1], said[3]]
    headers = {"Idempotency-Key": "second"}
    for replayed in (False, True):
        answer = await api.ask("POST", path, json={"messages": changed}, headers=headers)
        assert answer.status_code == 201
        items = answer.json()["items"]
        assert {item["content"] for item in items} == {"0", "1", "2", "3"}
        assert [item for item in items if item["message_order"] <= 2] == first
        assert ("idempotent-replayed" in answer.headers) == replayed


async def test_two_first_writers_make_one_session(api: Api) -> None:
    path = "/sessions/ext:chat/messages"
    said = {"messages": [{"role": "user", "content": "first"}]}
    problem(await api.ask("POST", path, json=said), 404)
    for no in ("false", "0", "False"):  # as PHP's generated clients and Python write it
        problem(await api.ask("POST", f"{path}?create={no}", json=said), 404)
    problem(await api.ask("POST", f"{path}?create=yes", json=said), 422)
    held = {"If-Match": '"2026-01-02T03:04:05.678901Z"'}
    problem(await api.ask("POST", f"{path}?create=true", json=said, headers=held), 412)
    spelt = ("true", "1", "True", "TRUE") * 2
    rivals = [api.ask("POST", f"{path}?create={yes}", json=said) for yes in spelt]
    answers = await asyncio.gather(*rivals)
    assert {answer.status_code for answer in answers} == {201}
    items = [answer.json()["items"][0] for answer in answers]
    assert len({item["session_id"] for item in items}) == 1
    assert sorted(item["message_order"] for item in items) == list(range(1, 9))
    assert (await api.ask("GET", "/sessions")).json()["pagination"]["total"] == 1


async def test_another_s_external_id_is_nobodys(api: Api) -> None:
    await api.create("bob", external_id="chat")
    for method, path, body in (
        ("GET", "/sessions/ext:chat", None),
        ("PATCH", "/sessions/ext:chat", {"title": "mine"}),
        ("DELETE", "/sessions/ext:chat", None),
        ("GET", "/sessions/ext:chat/messages/last", None),
        ("DELETE", "/sessions/ext:chat/messages", None),
    ):
        problem(await api.ask(method, path, json=body), 404)


@before_storage
@pytest.mark.parametrize("external_id", ["", " a", "a\n", "x" * 256, 5, [], "\u200b"])
async def test_an_external_id_is_printable_text(api: Api, external_id: Any) -> None:
    refused = await api.ask("POST", "/sessions", json={"external_id": external_id})
    assert pointers(refused) == {"#/external_id"}


async def test_a_tag_is_of_nothing_that_comes_after_under_the_same_id_and_times(api: Api) -> None:
    """A client gives the times and the ids, so that both may be those of what was removed."""

    async def made(title: str) -> str:
        said = {"role": "user", "content": title, "external_id": "m", "timestamp": TIMES[1]}
        body = {"external_id": "re", "created_at": TIMES[0], "title": title, "messages": [said]}
        assert (await api.ask("POST", "/sessions", json=body)).status_code == 201
        return str((await api.ask("GET", "/sessions/ext:re")).headers["etag"])

    session, message, page = "/sessions/ext:re", "/sessions/ext:re/messages/ext:m", "/messages"
    first = await made("first")
    tag = (await api.ask("GET", message)).headers["etag"]
    pages = (await api.ask("GET", f"{session}{page}")).headers["etag"]
    assert (await api.ask("DELETE", session)).status_code == 204
    assert await made("second") != first
    for path, old in ((session, first), (message, tag), (f"{session}{page}", pages)):
        assert (await api.ask("GET", path, headers={"If-None-Match": old})).status_code == 200
    at = {"If-Match": tag}
    put = await api.ask("PUT", message, json={"role": "user", "content": "x"}, headers=at)
    removed = await api.ask("DELETE", f"{session}/messages/last", headers=at)
    at = {"If-Match": first}
    gone = await api.ask("DELETE", session, headers=at)
    assert [answer.status_code for answer in (put, removed, gone)] == [412] * 3
