"""Sessions as a client meets them."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.entrypoints.conftest import HERE, Api, pointers, problem

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


async def test_a_created_session_says_where_it_is(api: Api) -> None:
    response = await api.ask("POST", "/sessions", json={"title": " Trip ", "metadata": {"b": 1}})
    assert response.status_code == 201
    session = response.json()
    assert list(session) == [
        "id",
        "external_id",
        "user_id",
        "title",
        "metadata",
        "archived",
        "pinned",
        "created_at",
        "last_updated",
        "message_count",
    ]
    assert ID.fullmatch(session["id"])
    assert TIME.fullmatch(session["created_at"])
    assert (session["user_id"], session["title"], session["metadata"]) == (
        "alice",
        "Trip",
        {"b": 1},
    )
    assert response.headers["location"] == f"/sessions/{session['id']}"
    assert (await api.ask("GET", response.headers["location"])).json() == session


async def test_first_messages_are_stored_with_the_session(api: Api) -> None:
    said = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    session = await api.create(messages=said)
    page = (await api.ask("GET", f"/sessions/{session['id']}/messages")).json()
    assert [message["content"] for message in page["items"]] == ["hi", "hello"]
    assert session["message_count"] == page["pagination"]["total"] == 2
    assert session["last_updated"] == page["items"][-1]["timestamp"]


async def test_a_session_with_one_bad_message_is_not_created(api: Api) -> None:
    response = await api.ask(
        "POST",
        "/sessions",
        json={"messages": [{"role": "user", "content": "hi"}, {"role": "user", "content": "\0"}]},
    )
    assert pointers(response) == {"#/messages/1/content"}
    assert (await api.ask("GET", "/sessions")).json()["pagination"]["total"] == 0


@pytest.mark.parametrize("media_type", ["application/merge-patch+json", "application/json"])
async def test_a_patch_merges(api: Api, media_type: str) -> None:
    session = await api.create(title="old", metadata={"a": {"b": 1, "c": 2}, "d": 3})
    api.clock.move(1)
    response = await api.ask(
        "PATCH",
        f"/sessions/{session['id']}",
        content='{"metadata": {"a": {"b": null}, "e": [null]}}',
        headers={"Content-Type": media_type},
    )
    assert response.status_code == 200
    patched = response.json()
    assert patched["metadata"] == {"a": {"c": 2}, "d": 3, "e": [None]}
    assert patched["title"] == "old"
    assert patched["last_updated"] > session["last_updated"]
    assert (await api.ask("GET", f"/sessions/{session['id']}")).json() == patched


async def test_null_takes_away(api: Api) -> None:
    session = await api.create(title="old", metadata={"a": 1})
    response = await api.ask(
        "PATCH", f"/sessions/{session['id']}", json={"title": None, "metadata": None}
    )
    assert (response.json()["title"], response.json()["metadata"]) == (None, {})


@pytest.mark.parametrize("patch", [{}, {"title": "old"}, {"metadata": {"a": 1, "b": None}}])
async def test_a_patch_that_changes_nothing_leaves_the_version(
    api: Api, patch: dict[str, Any]
) -> None:
    session = await api.create(title="old", metadata={"a": 1})
    api.clock.move(1)
    response = await api.ask("PATCH", f"/sessions/{session['id']}", json=patch)
    assert (response.status_code, response.json()) == (200, session)


async def test_one_becoming_true_is_a_change(api: Api) -> None:
    session = await api.create(metadata={"a": 1})
    response = await api.ask("PATCH", f"/sessions/{session['id']}", json={"metadata": {"a": True}})
    assert response.json()["metadata"] == {"a": True}
    assert response.json()["last_updated"] > session["last_updated"]


async def test_a_limit_holds_after_merging(api: Api) -> None:
    session = await api.create(metadata={"a": "x" * 10_000})
    response = await api.ask(
        "PATCH", f"/sessions/{session['id']}", json={"metadata": {"b": "x" * 10_000}}
    )
    assert pointers(response) == {"#/metadata"}
    assert (await api.ask("GET", f"/sessions/{session['id']}")).json() == session


@pytest.mark.parametrize(
    ("patch", "pointer"),
    [
        ({"title": ""}, "#/title"),
        ({"title": 5}, "#/title"),
        ({"metadata": []}, "#/metadata"),
        ({"metadata": {"a": {"b": "\0"}}}, "#/metadata"),
        ({"message_count": 5}, "#"),
        ([], "#"),
        (None, "#"),
    ],
)
async def test_a_patch_that_breaks_a_rule_changes_nothing(
    api: Api, patch: Any, pointer: str
) -> None:
    session = await api.create(title="old")
    response = await api.send(f"/sessions/{session['id']}", json.dumps(patch), "PATCH")
    assert pointers(response) == {pointer}
    assert (await api.ask("GET", f"/sessions/{session['id']}")).json() == session


async def test_a_deleted_session_is_gone(api: Api) -> None:
    session = await api.create(messages=[{"role": "user", "content": "hi"}])
    path = f"/sessions/{session['id']}"
    response = await api.ask("DELETE", path)
    assert (response.status_code, response.content) == (204, b"")
    problem(await api.ask("DELETE", path), 404)
    problem(await api.ask("GET", f"{path}/messages"), 404)
    assert (await api.ask("GET", "/sessions")).json()["pagination"]["total"] == 0


class TestPublicUrl:
    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"public_url": "https://chat.example/api/"}

    async def test_links_are_absolute_where_the_operator_said_where(self, api: Api) -> None:
        response = await api.ask("POST", "/sessions", json={}, headers={"Host": "chat.example:443"})
        session_id = response.json()["id"]
        assert response.headers["location"] == f"https://chat.example/api/sessions/{session_id}"
        page = await api.ask("GET", "/sessions")
        assert page.headers["link"].startswith("<https://chat.example/api/sessions?offset=0>")

    async def test_a_client_finds_the_description_of_this_very_resource(self, api: Api) -> None:
        """As RFC 9728 sections 3.1, 3.3 and 5 have it, through a proxy that takes /api away from
        what begins with it and passes the rest on as it is."""
        refusal = await api.ask("GET", "/sessions", None)
        told = refusal.headers["www-authenticate"].split('resource_metadata="')[1].split('"')[0]
        assert told == "https://chat.example/.well-known/oauth-protected-resource/api"
        for path in (urlsplit(told).path, "/.well-known/oauth-protected-resource"):
            described = await api.ask("GET", path, None)
            assert (described.status_code, described.json()["resource"]) == (
                200,
                "https://chat.example/api",
            )
        other = "/.well-known/oauth-protected-resource/other"
        assert (await api.ask("GET", other, None)).status_code == 404


async def test_what_a_client_needs_for_a_token_is_described(api: Api) -> None:
    response = await api.ask("GET", "/.well-known/oauth-protected-resource", None)
    assert response.status_code == 200
    assert response.json()["resource"] == HERE


@pytest.mark.parametrize("backend", ["memory"])
async def test_an_id_is_taken_in_any_case_and_given_in_lower_case(api: Api) -> None:
    """Swift prints UUIDs in capitals."""
    session = await api.create(messages=[{"role": "user", "content": "hello"}] * 2)
    path = f"/sessions/{session['id'].upper()}"
    assert (await api.ask("GET", path)).json() == session
    page = await api.ask("GET", f"{path}/messages?limit=1")
    assert page.json()["items"][0]["session_id"] == session["id"]
    assert f"</sessions/{session['id']}/messages?" in page.headers["link"]
    said = {"messages": [{"role": "user", "content": "again"}]}
    for at in (path, path.lower()):
        written = await api.ask(
            "POST", f"{at}/messages", json=said, headers={"Idempotency-Key": "once"}
        )
        assert written.json()["items"][0]["message_order"] == 3
    assert (await api.ask("DELETE", path)).status_code == 204
