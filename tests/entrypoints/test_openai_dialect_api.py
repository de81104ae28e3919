"""OpenAI's Conversations API as a second dialect of the service: conversations, who may have them,
and how errors are told."""

import re
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.entrypoints.conftest import Api, before_storage, problem
from tests.entrypoints.dialect import (
    CONVERSATIONS,
    OPERATIONS,
    SAID,
    Operation,
    begun,
    refusal,
)
from tests.security.people import people

MISSING = "conv_01a20ab2e3be7336be467b4184e042f7"


@pytest.fixture
def options() -> dict[str, Any]:
    return {"openai_dialect": True}


async def asked(api: Api, operation: Operation, who: str = "alice") -> tuple[int, Any]:
    """What the operation answers about a conversation with one item that is the caller's own."""
    conversation = await begun(api, SAID, who=who)
    (item,) = (await conversation.items())["data"]
    target = operation.target(conversation.id, item["id"])
    answer = await api.ask(operation.method, target, who, json=operation.body)
    return answer.status_code, answer.json()


async def test_a_conversation_is_made_read_changed_and_removed(api: Api) -> None:
    """It is a session, whose metadata is one."""
    made = await api.ask("POST", CONVERSATIONS, json={"metadata": {"topic": "demo", "kept": "no"}})
    assert made.status_code == 200
    body = made.json()
    path = f"{CONVERSATIONS}/{body['id']}"
    assert body == {
        "id": body["id"],
        "object": "conversation",
        "created_at": int(api.clock.now().timestamp()),
        "metadata": {"topic": "demo", "kept": "no"},
    }
    assert (await api.ask("GET", path)).json() == body
    for given, kept in (({"topic": "other"}, {"topic": "other"}), ({}, {}), (None, {})):
        changed = await api.ask("POST", path, json={"metadata": given})
        assert changed.json() == {**body, "metadata": kept}
    (session,) = (await api.ask("GET", "/sessions")).json()["items"]
    assert body["id"] == f"conv_{session['id'].replace('-', '')}"
    assert session["metadata"] == {}
    gone = await api.ask("DELETE", path)
    assert gone.json() == {"id": body["id"], "object": "conversation.deleted", "deleted": True}
    assert refusal(await api.ask("GET", path), 404)["code"] == "conversation_not_found"
    assert (await api.ask("GET", "/sessions")).json()["items"] == []


@pytest.mark.parametrize(
    ("external_id", "shown"),
    [("conv_123", "conv_123"), ("conv_a/b é", "conv_a/b é"), ("chat-42", None), (MISSING, None)],
)
async def test_a_session_with_an_id_of_theirs_is_known_by_it(
    api: Api, external_id: str, shown: str | None
) -> None:
    """Any other by an id that is made of its own, which is never mistaken for another's."""
    session = await api.create(external_id=external_id)
    made = f"conv_{session['id'].replace('-', '')}"
    found = await api.ask("GET", f"{CONVERSATIONS}/{made}")
    assert found.json()["id"] == (shown or made)
    path = (shown or made).replace("/", "%2F")
    again = await api.ask("GET", f"{CONVERSATIONS}/{path}")
    assert again.json() == found.json()
    if shown is None:
        refusal(await api.ask("GET", f"{CONVERSATIONS}/{external_id}"), 404)


@before_storage
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
class TestEachOperation:
    async def test_is_logged_and_counted_as_what_it_does(
        self, api: Api, operation: Operation
    ) -> None:
        with capture_logs() as lines:
            status, _ = await asked(api, operation)
        line = lines[-1]
        assert status == 200
        assert (line["event"], line["operation"]) == (operation.event, operation.name)

    async def test_is_for_nobody_but_the_owner(self, api: Api, operation: Operation) -> None:
        conversation = await begun(api, SAID, metadata={"secret": "canary"})
        (item,) = (await conversation.items())["data"]
        target = operation.target(conversation.id, item["id"])
        for name, person in people(api).items():
            if name != "owner":
                answer = await person.ask(operation.method, target, json=operation.body)
                if person.holds and "CONVERSATION" not in operation.path:
                    assert answer.status_code == 200
                    continue
                error = refusal(answer, 403 if person.holds else 401)
                code = "conversation_forbidden" if person.holds else "invalid_api_key"
                assert error["code"] == code
                assert person.holds or answer.headers["www-authenticate"]
                assert "canary" not in answer.text
        assert await conversation.texts() == [SAID["content"]]

    async def test_says_so_of_what_is_not_there(self, api: Api, operation: Operation) -> None:
        for unknown in (MISSING, "conv_none", "01a20ab2-e3be-7336-be46-7b4184e042f7", "ext:a"):
            if "CONVERSATION" in operation.path:
                target = operation.target(unknown)
                answer = await api.ask(operation.method, target, json=operation.body)
                assert refusal(answer, 404)["code"] == "conversation_not_found"
        if "ITEM" in operation.path:
            conversation = await begun(api, SAID)
            hexed = conversation.id.removeprefix("conv_")
            for unknown in (f"msg_{hexed}00000002", f"msg_{MISSING[5:]}00000001", "msg_x", "a%00"):
                target = operation.target(conversation.id, unknown)
                answer = await api.ask(operation.method, target)
                assert refusal(answer, 404)["code"] == "item_not_found"


@before_storage
class TestHidden:
    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"openai_dialect": True, "hide_foreign_sessions": True}

    async def test_another_persons_is_told_as_none(self, api: Api) -> None:
        conversation = await begun(api, SAID, who="bob")
        for operation in OPERATIONS[1:]:
            target = operation.target(conversation.id)
            answer = await api.ask(operation.method, target, json=operation.body)
            assert refusal(answer, 404)["code"] == "conversation_not_found"


@before_storage
class TestLimited:
    @pytest.fixture
    def options(self) -> dict[str, Any]:
        limits = {"rate_limit_create": "1/minute", "rate_limit_write": "1/minute"}
        return {"openai_dialect": True, "rate_limits": "on", **limits}

    async def test_each_operation_counts_under_a_policy(self, api: Api) -> None:
        conversation = await begun(api)
        for operation in OPERATIONS:
            target = operation.target(conversation.id)
            answer = await api.ask(operation.method, target, json=operation.body)
            policy = f'"{operation.policy}"'
            assert answer.headers["ratelimit"].startswith(policy), operation
        error = refusal(answer, 429)
        assert (error["type"], error["code"]) == ("requests", "rate_limit_exceeded")
        assert 0 < int(answer.headers["retry-after"]) <= 60


@before_storage
class TestRefused:
    """A request that a limit refused is no repetition when it comes again."""

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"openai_dialect": True, "rate_limits": "on", "rate_limit_write": "2/minute"}

    @staticmethod
    async def sent(
        api: Api, path: str, tries: int, body: Any = None, *, first: int = 0
    ) -> list[int]:
        """What a client is answered who says of each try how many came before it."""
        method = "DELETE" if body is None else "POST"
        return [
            (
                await api.ask(
                    method, path, json=body, headers={"x-stainless-retry-count": str(number)}
                )
            ).status_code
            for number in range(first, first + tries)
        ]

    async def test_what_is_said_again_is_stored_again(self, api: Api) -> None:
        conversation = await begun(api)
        path, yes = f"{conversation.path}/items", {"items": [{"role": "user", "content": "yes"}]}
        await conversation.add(*yes["items"])
        await conversation.add(*yes["items"])
        assert await self.sent(api, path, 2, yes) == [429, 429]
        assert await self.sent(api, path, 1, yes) == [429]
        api.clock.move(61)
        assert await self.sent(api, path, 1, yes, first=2) == [200]
        assert await self.sent(api, path, 1, yes, first=1) == [200]
        assert await conversation.texts() == ["yes"] * 4

    async def test_what_was_stored_by_an_earlier_try_is_not_stored_again(self, api: Api) -> None:
        """Nor where the try that was refused is another's, or is long past."""
        conversation = await begun(api)
        path, yes = f"{conversation.path}/items", {"items": [{"role": "user", "content": "yes"}]}
        assert await self.sent(api, path, 3, yes) == [200, 200, 429]
        assert await self.sent(api, f"{conversation.path}/items/none", 1) == [429]
        api.clock.move(61)
        assert await self.sent(api, path, 1, yes, first=3) == [200]
        assert await self.sent(api, path, 2, yes, first=1) == [200, 429]
        assert await self.sent(api, path, 1, yes) == [429]
        api.clock.move(76)
        assert await self.sent(api, path, 1, yes, first=1) == [200]
        assert await conversation.texts() == ["yes"]

    @pytest.mark.parametrize("refused", [1, 2])
    async def test_what_is_stored_while_another_of_its_length_waits_is_not_stored_again(
        self, api: Api, refused: int
    ) -> None:
        """And the other is, when it comes again. A removal is known to be done in the same way."""
        conversation = await begun(api, {**SAID, "id": "mine"})
        path, item = f"{conversation.path}/items", f"{conversation.path}/items/mine"
        yes, yep = ({"items": [{"role": "user", "content": said}]} for said in ("yes", "yep"))
        for target, first, waiting in ((item, None, None), (path, yep, yes)):
            assert await self.sent(api, f"{path}/none", 3) == [404, 200, 429]
            assert await self.sent(api, target, refused, waiting) == [429] * refused
            api.clock.move(61)
            assert await self.sent(api, target, 1, first) == [200]
            assert await self.sent(api, target, 1, first, first=refused) == [200]
            api.clock.move(61)
        assert await self.sent(api, path, 1, yes, first=refused) == [200]
        assert await conversation.texts() == ["yep", "yes"]

    async def test_what_was_never_there_is_not_told_as_removed(self, api: Api) -> None:
        conversation = await begun(api, SAID)
        for path in (f"{conversation.path}/items/none", f"{CONVERSATIONS}/{MISSING}"):
            assert await self.sent(api, path, 3) == [404, 200, 429]
            assert await self.sent(api, path, 1) == [429]
            api.clock.move(61)
            assert await self.sent(api, path, 1, first=1) == [404]
            api.clock.move(61)


REFUSED = [
    ("", {"metadata": {str(number): "" for number in range(17)}}, "metadata"),
    ("", {"metadata": {"k" * 65: ""}}, "metadata"),
    ("", {"metadata": {"k": "v" * 513}}, "metadata"),
    ("", {"metadata": {"k": 1}}, "metadata"),
    ("", {"metadata": {"k": "\0"}}, "metadata"),
    ("", {"metadata": {f"{number:02}": "😀" * 512 for number in range(16)}}, "metadata"),
    ("", {"metadata": []}, "metadata"),
    ("", [], None),
    ("", {"items": [SAID] * 21}, "items"),
    ("", {"items": SAID}, "items"),
    ("", {"items": ["text"]}, "items[0]"),
    ("", {"title": "x"}, None),
    ("/ID", {}, "metadata"),
    ("/ID/items", {}, "items"),
    ("/ID/items", {"items": []}, "items"),
    ("/ID/items", {"items": [{"type": "spell"}]}, "items[0].type"),
    ("/ID/items", {"items": [{"type": "item_reference", "id": "msg_1"}]}, "items[0].type"),
    ("/ID/items", {"items": [{"type": "item_reference", "id": "__fake_id__"}]}, "items[0].type"),
    ("/ID/items", {"items": [SAID, {"role": "user"}]}, "items[1].content"),
    ("/ID/items", {"items": [{"role": "bot", "content": ""}]}, "items[0].role"),
    ("/ID/items", {"items": [{"role": [], "content": ""}]}, "items[0].role"),
    ("/ID/items", {"items": [{"role": "user", "content": 1}]}, "items[0].content"),
    (
        "/ID/items",
        {"items": [{"role": "user", "content": [{"type": "text"}]}]},
        "items[0].content[0].text",
    ),
    (
        "/ID/items",
        {"items": [{"role": "user", "content": [{"type": "input_text", "text": None}]}]},
        "items[0].content[0].text",
    ),
    (
        "/ID/items",
        {"items": [{"role": "user", "content": [{"type": "refusal", "refusal": 5}]}]},
        "items[0].content[0].refusal",
    ),
    ("/ID/items", {"items": [{"type": "compaction_trigger"}]}, "items[0].type"),
    (
        "/ID/items",
        {"items": [{"role": "user", "content": [{"type": "image_url"}]}]},
        "items[0].content[0].type",
    ),
    ("/ID/items", {"items": [{"type": "function_call", "name": "f"}]}, "items[0].arguments"),
    ("/ID/items", {"items": [{**SAID, "id": " x"}]}, "items[0].id"),
    ("/ID/items", {"items": [{**SAID, "id": 7}]}, "items[0].id"),
    ("/ID/items", {"items": [{**SAID, "id": "msg_1"}] * 2}, "items[1].id"),
    ("/ID/items", {"items": [{**SAID, "content": "x" * 270_000}]}, "items[0]"),
    ("/ID/items?limit=101", None, "limit"),
    ("/ID/items?limit=-1", None, "limit"),
    ("/ID/items?limit=many", None, "limit"),
    ("/ID/items?order=up", None, "order"),
    ("/ID/items?after=%00", None, "after"),
    ("/ID/items?before=msg_1", None, None),
    ("/ID/items?limit=1&limit=2", None, "limit"),
]


@before_storage
async def test_a_request_that_breaks_a_rule_is_400_and_stores_nothing(api: Api) -> None:
    conversation = await begun(api)
    for path, body, param in REFUSED:
        target = CONVERSATIONS + path.replace("ID", conversation.id)
        answer = await api.ask("GET" if body is None else "POST", target, json=body)
        error = refusal(answer, 400)
        assert (error["type"], error["param"]) == ("invalid_request_error", param), (path, body)
        assert len(error["message"]) < 1200
        assert re.match(r"(Invalid '[^*]+': |A parameter |The body )", error["message"])
        assert "external" not in error["message"]
        assert (await conversation.items())["data"] == [], (path, body)
    assert len((await api.ask("GET", "/sessions")).json()["items"]) == 1


@before_storage
@pytest.mark.parametrize(
    ("method", "path", "request_", "status", "code"),
    [
        ("GET", "/v1/responses", {}, 404, "unknown_url"),
        ("GET", "/v1", {}, 404, "unknown_url"),
        ("GET", CONVERSATIONS, {}, 405, "method_not_allowed"),
        ("PATCH", f"{CONVERSATIONS}/conv_1", {"json": {}}, 405, "method_not_allowed"),
        ("POST", CONVERSATIONS, {"content": b"{"}, 415, "not_json"),
        ("POST", CONVERSATIONS, {"json": {"items": ["x" * 6_000_000]}}, 413, "body_too_large"),
        ("POST", CONVERSATIONS, {"headers": {"Host": "elsewhere"}}, 421, "unknown_host"),
    ],
)
async def test_whatever_goes_wrong_under_v1_is_told_in_their_form(
    api: Api, method: str, path: str, request_: dict[str, Any], status: int, code: str
) -> None:
    assert refusal(await api.ask(method, path, **request_), status)["code"] == code


@before_storage
async def test_json_that_is_none_is_400_in_their_form(api: Api) -> None:
    assert refusal(await api.send(CONVERSATIONS, b"{'"), 400)["code"] == "not_json"
    assert refusal(await api.send(CONVERSATIONS, b'{"items": NaN}'), 400)["param"] is None


@before_storage
async def test_other_paths_keep_their_own_form_of_errors(api: Api) -> None:
    for path in ("/sessions/none", "/v11", "/v1x/conversations"):
        problem(await api.ask("GET", path), 404)


@before_storage
async def test_head_and_options_are_answered_as_everywhere(api: Api) -> None:
    conversation = await begun(api)
    head = await api.ask("HEAD", conversation.path)
    assert (head.status_code, head.content) == (200, b"")
    refused = await api.ask("HEAD", f"{CONVERSATIONS}/{MISSING}")
    assert (refused.status_code, refused.content) == (404, b"")
    options = await api.ask("OPTIONS", conversation.path, None)
    assert options.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, POST"


@before_storage
async def test_headers_that_their_clients_send_are_taken(api: Api) -> None:
    sent = {"OpenAI-Organization": "o", "OpenAI-Project": "p", "X-Stainless-Retry-Count": "zero"}
    conversation = await begun(api)
    assert await conversation.add(SAID, headers=sent)


@before_storage
class TestOff:
    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {}

    async def test_its_paths_are_unknown_unless_it_is_asked_for(self, api: Api) -> None:
        for operation in OPERATIONS:
            answer = await api.ask(operation.method, operation.target("conv_1"), json={})
            assert problem(answer, 404)["type"].endswith("route-not-found")


@before_storage
async def test_the_description_is_of_the_services_own_api_alone(api: Api) -> None:
    assert "/v1" not in (await api.ask("GET", "/openapi.json", None)).text
