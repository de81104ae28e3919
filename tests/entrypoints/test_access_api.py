"""In which order a request is refused. Who may what is the matrix of tests/security."""

from typing import Any

import pytest

from domain.errors import InvalidValue
from entrypoints.http.body import JSON
from tests.entrypoints.conftest import Api, before_storage, problem
from tests.routes import ROUTES, SAID, requests

MALFORMED = [
    "1", "null", "%00", "{id}", "urn:uuid:01a20ab2-e3be-7336-be46-7b4184e042f7",
    "{01a20ab2-e3be-7336-be46-7b4184e042f7}", "01A20AB2-E3BE-7336-BE46-7B4184E042F7",
    "01a20ab2e3be7336be467b4184e042f7", "01a20ab2-e3be-4336-be46-7b4184e042f7",
    "01a20ab2-e3be-7336-be46-7b4184e042f7%20", "..%2f01a20ab2", "x" * 5000, "%F0%9F%99%82", "%ff",
    "%2e%2e", "..%2f..%2fetc%2fpasswd", "01a20ab2-e3be-7336-be46-7b4184e042f7%00",
    "01a20ab2-e3be-7336-be46-7b4184e042f7%0a", "01a20ab2-e3be-7336-be46-7b4184e042f7;a=1",
    "01a20ab2-e3be-7336-be46-7b4184e042f7%2fmessages", "'%20OR%201=1%20--",
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "%EF%BC%901a20ab2-e3be-7336-be46-7b4184e042f7",
    "%E2%80%AE01a20ab2-e3be-7336-be46-7b4184e042f7",
]  # fmt: skip


_UNKNOWN = "01a20ab2-e3be-7336-be46-7b4184e042f7"


@before_storage
async def test_a_malformed_id_is_not_found(api: Api) -> None:
    """What one is told of an id that nobody has is in the matrix of tests/security."""
    for route in ROUTES:
        for session_id in MALFORMED if route.is_of_session else ():
            response = await api.ask(route.method, route.target(session_id), json=route.body)
            problem(response, 404)


@before_storage
@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Basic", "Bearer a.b.c", "bearer x y", "token"]
)
async def test_without_a_token_that_holds_nothing_is_to_be_had(
    api: Api, authorization: str
) -> None:
    session = await api.create()
    headers = {"Authorization": authorization} if authorization else {}
    for method, target, body in requests(session["id"]):
        response = await api.ask(method, target, None, json=body, headers=headers)
        assert response.status_code == 401
        challenge = response.headers["www-authenticate"]
        assert challenge.startswith('Bearer realm="chat-sessions", resource_metadata="http')
        assert ("invalid_token" in challenge) == authorization.lower().startswith(
            ("bearer a", "bearer x")
        )
    assert (await api.ask("GET", f"/sessions/{session['id']}")).json() == session


async def test_an_expired_token_does_not_hold(api: Api) -> None:
    headers = api.bearer("alice")
    api.clock.move(12 * 60 * 60)
    problem(await api.ask("GET", "/sessions", None, headers=headers), 401)


async def test_the_schemes_name_may_be_in_any_letters(api: Api) -> None:
    token = api.bearer("alice")["Authorization"].split()[1]
    for scheme in ("bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {token}"}
        assert (await api.ask("GET", "/sessions", None, headers=headers)).status_code == 200


BAD_JSON = {"content": "{", "headers": {"Content-Type": JSON}}
STALE = {"headers": {"If-Match": '"x"'}}
UNKNOWN_FIELD = {"json": {"messages": [], "unknown": 1}}


@pytest.mark.parametrize(
    ("status", "method", "path", "who", "request_"),
    [
        (404, "POST", "/nothing?x=1", None, BAD_JSON),
        (405, "PUT", "/sessions/x?x=1", None, BAD_JSON),
        (204, "OPTIONS", "/sessions/x?x=1", None, BAD_JSON),
        (401, "POST", "/sessions/x/messages?x=1", None, BAD_JSON),
        (413, "POST", "/sessions/x/messages?x=1", "bob", {"content": b"x" * (5 << 20) + b"x"}),
        (415, "POST", "/sessions/x/messages?x=1", "bob", {"content": "{"}),
        (400, "POST", "/sessions/x/messages?x=1", "bob", BAD_JSON),
        (404, "POST", "/sessions/x/messages?x=1", "bob", UNKNOWN_FIELD),
        (422, "POST", "/sessions/{theirs}/messages", "bob", UNKNOWN_FIELD),
        (422, "GET", "/sessions/{theirs}/messages?limit=0", "bob", {}),
        (422, "POST", "/sessions/{missing}/messages", "bob", UNKNOWN_FIELD),
        (404, "GET", "/sessions/x/messages?limit=0", "bob", {}),
        (403, "GET", "/sessions/{theirs}/messages?offset=99", "bob", {}),
        (403, "PATCH", "/sessions/{theirs}", "bob", {"json": {}}),
        (404, "GET", "/sessions/ext:%0B?x=1", "bob", {}),
        (404, "PUT", "/sessions/{theirs}/messages/x?x=1", "bob", UNKNOWN_FIELD),
        (422, "PUT", "/sessions/{theirs}/messages/1", "bob", UNKNOWN_FIELD),
        (403, "PUT", "/sessions/{theirs}/messages/9", "bob", {"json": SAID, **STALE}),
        (404, "PUT", "/sessions/{theirs}/messages/9", "alice", {"json": SAID, **STALE}),
        (422, "DELETE", "/sessions/{theirs}/messages?before=", "bob", STALE),
        (400, "DELETE", "/sessions/{theirs}/messages", "bob", {"headers": {"If-Match": "x"}}),
        (403, "DELETE", "/sessions/{theirs}/messages", "bob", STALE),
        (412, "DELETE", "/sessions/{theirs}/messages", "alice", STALE),
    ],
)
async def test_the_first_refusal_that_applies_answers(
    api: Api, status: int, method: str, path: str, who: str | None, request_: dict[str, Any]
) -> None:
    session = await api.create("alice")
    target = path.format(theirs=session["id"], missing=_UNKNOWN)
    response = await api.ask(method, target, who, **request_)
    assert response.status_code == status, response.text


async def test_what_the_core_refuses_is_told_as_input(api: Api, monkeypatch: Any) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise InvalidValue("must be otherwise", "metadata", 0)

    monkeypatch.setattr("domain.session.Session.started", refuse)
    body = problem(await api.ask("POST", "/sessions", json={}), 422)
    assert body["errors"] == [{"detail": "must be otherwise", "pointer": "#/metadata/0"}]
