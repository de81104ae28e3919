"""OpenAI's Conversations API as it is asked, and its routes said once."""

from dataclasses import dataclass
from typing import Any

import httpx2

from tests.entrypoints.conftest import Api

CONVERSATIONS = "/v1/conversations"
SAID = {"role": "user", "content": "Where to?"}


@dataclass(frozen=True)
class Operation:
    """One, as its rightful caller asks it, and what the log and the limits call it."""

    name: str
    method: str
    path: str
    body: Any
    event: str
    policy: str

    def target(self, conversation: str, item: str = "none") -> str:
        return self.path.replace("CONVERSATION", conversation).replace("ITEM", item)


ONE = f"{CONVERSATIONS}/CONVERSATION"
ITEMS = f"{ONE}/items"
ITEM = f"{ITEMS}/ITEM"

OPERATIONS = (
    Operation("createConversation", "POST", CONVERSATIONS, {}, "session.created", "create"),
    Operation("getConversation", "GET", ONE, None, "session.read", "read"),
    Operation(
        "updateConversation", "POST", ONE, {"metadata": {"a": "b"}}, "session.updated", "write"
    ),
    Operation(
        "createConversationItems", "POST", ITEMS, {"items": [SAID]}, "messages.appended", "write"
    ),
    Operation("listConversationItems", "GET", ITEMS, None, "messages.read", "read"),
    Operation("getConversationItem", "GET", ITEM, None, "message.read", "read"),
    Operation("deleteConversationItem", "DELETE", ITEM, None, "message.removed", "write"),
    Operation("deleteConversation", "DELETE", ONE, None, "session.deleted", "write"),
)
"""The last one takes away what the others are about."""


@dataclass(frozen=True)
class Conversation:
    """One of somebody's."""

    api: Api
    id: str
    who: str = "alice"

    @property
    def path(self) -> str:
        return f"{CONVERSATIONS}/{self.id}"

    async def add(self, *items: Any, **request: Any) -> list[dict[str, Any]]:
        body = {"items": list(items)}
        answer = await self.api.ask("POST", f"{self.path}/items", self.who, json=body, **request)
        return found(answer)

    async def items(self, **query: Any) -> dict[str, Any]:
        listed = await self.api.ask("GET", f"{self.path}/items", self.who, params=query)
        assert listed.status_code == 200, listed.text
        page: dict[str, Any] = listed.json()
        return page

    async def texts(self) -> list[str]:
        """What its messages say, the oldest first."""
        page = await self.items(order="asc", limit=100)
        return [item["content"][0]["text"] for item in page["data"]]


def found(answer: httpx2.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["data"]
    return items


async def begun(api: Api, *items: Any, who: str = "alice", **body: Any) -> Conversation:
    """A new conversation with these items."""
    answer = await api.ask("POST", CONVERSATIONS, who, json={"items": list(items), **body})
    assert answer.status_code == 200, answer.text
    return Conversation(api, answer.json()["id"], who)


def refusal(answer: httpx2.Response, status: int) -> dict[str, Any]:
    """The error that every refusal is in OpenAI's form, its members checked."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    body: dict[str, Any] = answer.json()
    assert body.keys() == {"error"}
    error: dict[str, Any] = body["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    return error
