"""The side bar: what is archived or pinned, and lists by more than the time."""

from typing import Any

import pytest

from tests.entrypoints.conftest import Api, before_storage, pointers, problem


async def titles(api: Api, query: str) -> list[str]:
    answer = await api.ask("GET", f"/sessions?{query}")
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert page["pagination"]["total"] == len(page["items"])
    return [item["title"] for item in page["items"]]


async def test_what_is_put_away_or_kept_in_sight_does_not_jump(api: Api) -> None:
    path = f"/sessions/{(await api.create(title='a'))['id']}"
    before = await api.ask("GET", path)
    api.clock.move(1)
    tags = [before.headers["etag"]]
    for patch in ({"archived": True}, {"pinned": True}, {"archived": False, "pinned": False}):
        answer = await api.ask("PATCH", path, json=patch, headers={"If-Match": tags[-1]})
        assert answer.json() == before.json() | answer.json() | patch
        assert answer.json()["last_updated"] == before.json()["last_updated"]
        assert (await api.ask("PATCH", path, json=patch)).headers["etag"] == answer.headers["etag"]
        tags.append(answer.headers["etag"])
        problem(await api.ask("PATCH", path, json={}, headers={"If-Match": tags[-2]}), 412)
    assert len(set(tags)) == len(tags)


@before_storage
@pytest.mark.parametrize("value", [None, "true", 1, []])
async def test_a_mark_is_true_or_false(api: Api, value: Any) -> None:
    path = f"/sessions/{(await api.create())['id']}"
    for name in ("archived", "pinned"):
        assert pointers(await api.ask("PATCH", path, json={name: value})) == {f"#/{name}"}


CASES = [
    ("", "dcb"),
    ("archived=", "dcb"),
    ("archived=true", "a"),
    ("archived=any", "dcba"),
    ("pinned=true", "b"),
    ("pinned=false", "dc"),
    ("pinned=true&archived=any", "ba"),
    ("external_id=d%2Fd", "d"),
    ("external_id=nobody", ""),
    ("updated_after=2026-01-02T03:04:07.678901Z", "d"),
    ("updated_before=2026-01-02T03:04:07.678901Z", "b"),
    ("updated_before=2026-01-02T04:04:07.678901%2B01:00&archived=any", "ba"),
    ("updated_before=2026-01-02T04:04:07.678901+01:00", "b"),
    ("updated_after=2026-01-02T03:04:06Z&updated_before=2026-01-02T03:04:08Z", "cb"),
    ("metadata.model=small", "cb"),
    ("metadata.model=%22small%22", "cb"),
    ("metadata.model=small&metadata.n=1.0", "b"),
    ("metadata.n=1", "b"),
    ("metadata.n=%221%22", "c"),
    ("metadata.starred=true", "d"),
    ("metadata.empty=", "d"),
    ("metadata.empty=%22%22", "d"),
    ("metadata.nothing=null", "d"),
    ("metadata.list=[1,{%22b%22:2,%22a%22:1e0}]", "d"),
    ("metadata.a.b%2Fc=x", "d"),
    ("metadata.=nameless", "d"),
    ("metadata.absent=null", ""),
    ("metadata.starred=TRUE", ""),
]


@pytest.fixture
async def side_bar(api: Api) -> None:
    for title, body, patch in (
        ("a", {}, {"archived": True, "pinned": True}),
        ("b", {"metadata": {"model": "small", "n": 1}}, {"pinned": True}),
        ("c", {"metadata": {"model": "small", "n": "1"}}, {}),
        ("d", {"external_id": "d/d", "metadata": {
            "starred": True, "empty": "", "nothing": None, "list": [1, {"a": 1, "b": 2}],
            "a.b/c": "x", "": "nameless"}}, {}),
    ):  # fmt: skip
        session = await api.create(title=title, **body)
        await api.ask("PATCH", f"/sessions/{session['id']}", json=patch)
        api.clock.move(1)


@pytest.mark.usefixtures("side_bar")
async def test_a_list_has_what_its_filters_leave(api: Api) -> None:
    for query, expected in CASES:
        assert "".join(await titles(api, query)) == expected, query


@pytest.mark.usefixtures("side_bar")
async def test_links_and_cursors_keep_the_filters(api: Api) -> None:
    query = "metadata.model=small&metadata.empty=&pinned=any&archived=any&limit=1"
    query = query.replace("metadata.empty=&", "")
    target, seen = f"/sessions?{query}", []
    while target:
        answer = await api.ask("GET", target)
        page = answer.json()
        assert page["pagination"]["total"] == 2
        seen += [item["title"] for item in page["items"]]
        target = answer.links.get("next", {}).get("url", "")
    assert seen == ["c", "b"]
    empty = await api.ask("GET", "/sessions?metadata.empty=&metadata.starred=true")
    assert (await api.ask("GET", empty.links["first"]["url"])).json() == empty.json()
    first = (await api.ask("GET", f"/sessions?{query}")).json()["pagination"]["next_cursor"]
    walked = await api.ask("GET", f"/sessions?{query}&cursor={first}")
    assert [item["title"] for item in walked.json()["items"]] == ["b"]
    assert (await api.ask("GET", walked.links["prev"]["url"])).json()["items"][0]["title"] == "c"
    spelt = query.replace("small", "%22small%22")
    assert (await api.ask("GET", f"/sessions?{spelt}&cursor={first}")).status_code == 200
    for other in ("limit=1", "archived=any", query.replace("small", "large")):
        refused = problem(await api.ask("GET", f"/sessions?{other}&cursor={first}"), 422)
        assert refused["errors"][0]["parameter"] == "cursor"


REFUSED = [
    ("archived=yes", "archived"),
    ("archived=TRUE", "archived"),
    ("pinned=1", "pinned"),
    ("pinned=true&pinned=true", "pinned"),
    ("external_id=%20x", "external_id"),
    ("updated_after=yesterday", "updated_after"),
    ("updated_before=2026-01-02", "updated_before"),
    ("updated_before=0001-01-01T00:00:00%2B01:00", "updated_before"),
    ("metadata.a=1&metadata.a=2", "metadata.*"),
    ("metadata.a=%00", "metadata.*"),
    ("metadata.a=%22%5Cud83d%22", "metadata.*"),
    ("&".join(f"metadata.{n}=1" for n in range(11)), "metadata.*"),
    ("metadata=1", "*"),
    ("metadataXa=1", "*"),
]


@before_storage
@pytest.mark.parametrize(("query", "parameter"), REFUSED)
async def test_a_filter_that_breaks_a_rule_is_refused(api: Api, query: str, parameter: str) -> None:
    (error,) = problem(await api.ask("GET", f"/sessions?{query}"), 422)["errors"]
    assert error["parameter"] == parameter


@before_storage
async def test_no_other_route_takes_members_of_metadata(api: Api) -> None:
    session = await api.create()
    for path in (f"/sessions/{session['id']}", f"/sessions/{session['id']}/messages"):
        problem(await api.ask("GET", f"{path}?metadata.a=1"), 422)
