"""openai-python against the dialect, as its user calls it."""

import asyncio

import httpx
import openai
import pytest
from openai import OpenAI

from tests.clients.frameworks.openai_dialect.conftest import Dialect, through
from tests.clients.frameworks.service import ROOT
from tests.clients.losing_proxy import LosingProxy


def test_a_conversation_from_its_first_item_to_its_last(client: OpenAI) -> None:
    conversation = client.conversations.create(metadata={"topic": "demo"})
    added = client.conversations.items.create(
        conversation.id, items=[{"role": "user", "content": f"{n}"} for n in range(20)]
    )
    assert len(added.data) == 20
    walked = list(client.conversations.items.list(conversation.id, limit=6, order="asc"))
    assert [item.id for item in walked] == [item.id for item in added.data]
    newest = client.conversations.items.list(conversation.id, limit=1)
    assert newest.data[0].id == added.last_id
    assert newest.has_more
    one = client.conversations.items.retrieve(added.first_id, conversation_id=conversation.id)
    assert one == added.data[0]
    told = client.conversations.items.delete(added.last_id, conversation_id=conversation.id)
    assert told.metadata == {"topic": "demo"}
    changed = client.conversations.update(conversation.id, metadata={"topic": "other"})
    assert changed.metadata == {"topic": "other"}
    assert client.conversations.delete(conversation.id).deleted


def test_errors_are_those_of_the_client(client: OpenAI, dialect: Dialect) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        client.conversations.retrieve("conv_none")
    assert (unknown.value.code, unknown.value.type) == (
        "conversation_not_found",
        "invalid_request_error",
    )
    assert unknown.value.request_id
    with pytest.raises(openai.BadRequestError, match="at most 20 items") as many:
        client.conversations.create(items=[{"role": "user", "content": ""}] * 21)
    assert many.value.param == "items"
    with pytest.raises(openai.AuthenticationError) as key:
        client.with_options(api_key="sk-none").conversations.create()
    assert key.value.code == "invalid_api_key"
    mine = client.conversations.create()
    other = client.with_options(api_key=dialect.token("bob"))
    with pytest.raises(openai.PermissionDeniedError):
        other.conversations.retrieve(mine.id)


def test_lost_answers_double_nothing(dialect: Dialect, proxy: LosingProxy, client: OpenAI) -> None:
    """The client tries again by itself, without a key."""
    conversation = client.conversations.create()

    async def write(who: str) -> None:
        async with through(proxy, dialect) as lossy:
            for number in range(5):
                if number % 2 == 0:
                    proxy.lose("POST")
                item = {"role": "user", "content": f"{who}{number}"}
                await lossy.conversations.items.create(conversation.id, items=[item])

    async def both() -> None:
        await asyncio.gather(write("a"), write("b"))

    asyncio.run(both())
    assert proxy.lost
    said = [item.content[0].text for item in client.conversations.items.list(conversation.id)]
    assert sorted(said) == sorted(f"{who}{number}" for who in "ab" for number in range(5))
    for who in "ab":
        assert [text for text in said[::-1] if text[0] == who] == [f"{who}{n}" for n in range(5)]


class _FailsOnce(httpx.HTTPTransport):
    """A connection that breaks before the first request has arrived."""

    broken = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not self.broken:
            self.broken = True
            raise httpx.ConnectError("broken", request=request)
        return super().handle_request(request)


@pytest.mark.parametrize("header", [None, "Idempotency-Key"])
def test_a_key_tells_apart_what_is_said_twice(client: OpenAI, header: str | None) -> None:
    """As the page says how to have one sent."""
    conversation = client.conversations.create()
    yes = [{"role": "user", "content": "yes"}]
    client.conversations.items.create(conversation.id, items=yes)
    with httpx.Client(transport=_FailsOnce()) as failing:
        other = client.with_options(http_client=failing)
        other._idempotency_header = header  # noqa: SLF001 - as the page has it
        other.conversations.items.create(conversation.id, items=yes)
        other.conversations.items.create(conversation.id, items=yes)
    stored = client.conversations.items.list(conversation.id).data
    assert len(stored) == (3 if header else 2)
    page = (ROOT / "docs" / "openai-conversations.md").read_text()
    assert f'client._idempotency_header = "{header or "Idempotency-Key"}"' in page


def test_lost_answers_to_removals_are_no_errors(
    dialect: Dialect, proxy: LosingProxy, client: OpenAI
) -> None:
    conversation = client.conversations.create(items=[{"role": "user", "content": "Hi"}])
    (item,) = client.conversations.items.list(conversation.id)

    async def remove() -> None:
        async with through(proxy, dialect) as lossy:
            proxy.lose("DELETE")
            told = await lossy.conversations.items.delete(item.id, conversation_id=conversation.id)
            assert told.id == conversation.id
            proxy.lose("DELETE")
            assert (await lossy.conversations.delete(conversation.id)).deleted

    asyncio.run(remove())
    with pytest.raises(openai.NotFoundError):
        client.conversations.retrieve(conversation.id)
