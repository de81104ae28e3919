"""POST /sessions/deletions, on every storage."""

from typing import Any

import pytest

from tests.entrypoints.conftest import Api, problem

SAID = {"role": "user", "content": "hello"}


async def deleted(api: Api, who: str = "alice", **body: Any) -> dict[str, Any]:
    answer = await api.ask("POST", "/sessions/deletions", who, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_sessions_go_by_their_ids_and_others_are_not_told(api: Api) -> None:
    own = await api.create(messages=[SAID, SAID])
    named = await api.create(external_id="a b")
    kept = await api.create()
    others = await api.create("bob")
    ids = [own["id"], "ext:a b", others["id"], "01a20abe-9819-7728-aa45-2446966d66bb", "nonsense"]
    told = {"sessions": 2, "messages": 2}
    assert await deleted(api, session_ids=ids, dry_run=True) == {**told, "dry_run": True}
    assert await deleted(api, session_ids=ids) == {**told, "dry_run": False}
    assert await deleted(api, session_ids=ids) == {"sessions": 0, "messages": 0, "dry_run": False}
    left = (await api.ask("GET", "/sessions")).json()["items"]
    assert [session["id"] for session in left] == [kept["id"]]
    assert (await api.ask("GET", f"/sessions/{others['id']}", "bob")).status_code == 200
    problem(await api.ask("GET", f"/sessions/{named['id']}"), 404)


async def test_all_go_the_archived_too_and_nobody_elses(api: Api) -> None:
    for _ in range(3):
        session = await api.create(messages=[SAID])
    await api.ask("PATCH", f"/sessions/{session['id']}", json={"archived": True})
    others = await api.create("bob")
    assert await deleted(api, all=True, dry_run=True) == {
        "sessions": 3,
        "messages": 3,
        "dry_run": True,
    }
    assert (await deleted(api, all=True))["sessions"] == 3
    assert (await api.ask("GET", "/sessions?archived=any")).json()["pagination"]["total"] == 0
    assert (await api.ask("GET", f"/sessions/{others['id']}", "bob")).status_code == 200


@pytest.mark.parametrize("backend", ["memory"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"all": False},
        {"all": None, "session_ids": None},
        {"session_ids": []},
        {"session_ids": ["x"] * 101},
        {"session_ids": [1]},
        {"session_ids": ["x"], "all": True},
        {"all": "true"},
        {"all": True, "dryrun": True},
        {"all": True, "dry_run": 1},
    ],
)
async def test_what_does_not_say_which_sessions_removes_none(
    api: Api, body: dict[str, Any]
) -> None:
    await api.create()
    problem(await api.ask("POST", "/sessions/deletions", json=body), 422)
    assert (await api.ask("GET", "/sessions")).json()["pagination"]["total"] == 1
