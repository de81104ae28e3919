"""Conditional requests."""

import asyncio
from typing import Any

import pytest

from tests.entrypoints.conftest import Api, problem

SAID: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}]}


async def tag_of(api: Api, path: str) -> str:
    return str((await api.ask("GET", path)).headers["etag"])


async def test_a_sessions_tag_changes_with_anything_in_it(api: Api) -> None:
    created = await api.ask("POST", "/sessions", json={"title": "a"})
    path = f"/sessions/{created.json()['id']}"
    tags = [created.headers["etag"]]
    assert await tag_of(api, path) == tags[0]
    for method, target, body in (
        ("PATCH", path, {"title": "b"}),
        ("PATCH", path, {"metadata": {"a": 1}}),
        ("PATCH", path, {"archived": True}),
        ("PATCH", path, {"archived": False}),
        ("PATCH", path, {"pinned": True}),
        ("POST", f"{path}/messages", SAID),
    ):
        await api.ask(method, target, json=body)
        tags.append(await tag_of(api, path))
    assert len(set(tags)) == len(tags)
    assert all(tag.startswith('"') for tag in tags)
    patched = await api.ask("PATCH", path, json={})
    assert patched.headers["etag"] == tags[-1]


async def test_what_a_client_holds_is_not_sent_again(api: Api) -> None:
    session = await api.create(**SAID)
    path = f"/sessions/{session['id']}"
    for target in (path, f"{path}/messages", f"{path}/messages?limit=1&sort_order=desc"):
        tag = await tag_of(api, target)
        strong = tag.removeprefix("W/")
        for known in (tag, "*", strong, f"W/{strong}", f'"other", {tag}', f'"a,b" , {tag},'):
            for method in ("GET", "HEAD"):
                response = await api.ask(method, target, headers={"If-None-Match": known})
                assert (response.status_code, response.content) == (304, b"")
                assert response.headers["etag"] == tag
                assert response.headers["cache-control"] == "no-store"
        for unknown in (
            '"other"',
            "W/",
            strong.strip('"'),
            "",
            f"{tag}x",
            f"{tag};q=1",
            strong * 2,
        ):
            response = await api.ask("GET", target, headers={"If-None-Match": unknown})
            assert response.status_code == 200
        await api.ask("POST", f"{path}/messages", json=SAID)
        assert (await api.ask("GET", target, headers={"If-None-Match": tag})).status_code == 200


async def test_a_page_of_messages_keeps_its_tag_until_something_in_the_session_changes(
    api: Api,
) -> None:
    """What does not move `last_updated` does not count."""
    path = f"/sessions/{(await api.create(**SAID))['id']}"
    tag = await tag_of(api, f"{path}/messages")
    assert tag.startswith('W/"')
    await api.ask("PATCH", path, json={"pinned": True})
    assert await tag_of(api, f"{path}/messages") == tag
    for method, target, body in (
        ("PUT", f"{path}/messages/1", SAID["messages"][0]),
        ("DELETE", f"{path}/messages/last", None),
    ):
        assert (await api.ask(method, target, json=body)).is_success
        tag, before = await tag_of(api, f"{path}/messages"), tag
        assert tag != before


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"title": "new"}), ("DELETE", None)])
async def test_a_change_is_made_to_the_version_that_was_seen(
    api: Api, method: str, body: Any
) -> None:
    session = await api.create(title="old")
    path = f"/sessions/{session['id']}"
    stale = await tag_of(api, path)
    await api.ask("POST", f"{path}/messages", json=SAID)
    tag = await tag_of(api, path)
    for refused in (stale, f"W/{stale}", '"other"', '"2026-01-02"'):
        response = await api.ask(method, path, json=body, headers={"If-Match": refused})
        problem(response, 412)
        assert response.headers["etag"] == tag
    none = (f"w/{tag}", f"W/ {tag}", f"x{tag}", f"{tag}x", f"{stale} {tag}", tag * 2, "other")
    for refused in (*none, tag.strip('"')):
        response = await api.ask(method, path, json=body, headers={"If-Match": refused})
        problem(response, 400)
    assert (await api.ask("GET", path)).json()["title"] == "old"
    response = await api.ask(method, path, json=body, headers={"If-Match": f"{stale}, {tag}"})
    assert response.is_success


@pytest.mark.parametrize(
    "proxied",
    ["W/{}", 'W/"{0}"', "{}-gzip", "{}--gzip", "{};gzip", "{}-br", "W/{}-zstd"],
)
async def test_a_tag_that_a_compressing_proxy_has_changed_still_holds(
    api: Api, proxied: str
) -> None:
    """Nginx weakens a tag, Apache, Jetty and others write their encoding into it."""
    path = f"/sessions/{(await api.create())['id']}"
    opaque = (await tag_of(api, path)).strip('"')
    tag = proxied.replace("{}", f'"{opaque}"').replace("{0}", opaque)
    if not tag.endswith('"'):
        tag = tag.replace(f'{opaque}"', opaque) + '"'
    unchanged = await api.ask("GET", path, headers={"If-None-Match": tag})
    assert unchanged.status_code == 304
    changed = await api.ask("PATCH", path, json={"title": "new"}, headers={"If-Match": tag})
    assert changed.status_code == 200


async def test_an_empty_tag_is_none_but_decides_no_removal(api: Api) -> None:
    path = f"/sessions/{(await api.create())['id']}"
    headers = {"If-Match": ""}
    refused = problem(await api.ask("DELETE", path, headers=headers), 422)
    assert refused["errors"][0]["parameter"] == "If-Match"
    assert (await api.ask("PATCH", path, json={}, headers=headers)).status_code == 200


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"title": "new"}), ("DELETE", None)])
async def test_any_version_will_do_where_there_is_one(api: Api, method: str, body: Any) -> None:
    session = await api.create()
    path = f"/sessions/{session['id']}"
    headers = {"If-Match": "*"}
    assert (await api.ask(method, path, json=body, headers=headers)).is_success
    missing = "/sessions/01a20ab2-e3be-7336-be46-7b4184e042f7"
    problem(await api.ask(method, missing, json=body, headers=headers), 404)


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"title": "new"}), ("DELETE", None)])
async def test_forbidden_comes_before_the_version(api: Api, method: str, body: Any) -> None:
    session = await api.create()
    path = f"/sessions/{session['id']}"
    headers = {"If-Match": '"other"'}
    problem(await api.ask(method, path, "bob", json=body, headers=headers), 403)
    headers = {"If-None-Match": "*"}
    problem(await api.ask("GET", path, "bob", headers=headers), 403)
    problem(await api.ask("GET", f"{path}/messages", "bob", headers=headers), 403)


async def test_of_all_who_saw_the_same_one_changes_it(api: Api) -> None:
    session = await api.create()
    path = f"/sessions/{session['id']}"
    headers = {"If-Match": await tag_of(api, path)}
    changes = [
        api.ask("PATCH", path, json={"title": str(turn)}, headers=headers) for turn in range(8)
    ]
    answers = await asyncio.gather(*changes)
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
