"""What mypy must see in `clients/python`: it fails where a type is another, and where what is to be
refused, which has an ignore, is not."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type

from chat_sessions_client import AsyncClient, Client
from chat_sessions_client.shapes import (
    BodyPage,
    JsonObject,
    MessageCreate,
    MessagePage,
    MessageQuery,
    MessageResponse,
    Removed,
    SessionResponse,
)


def messages_are_given_as_they_may_be(client: Client, items: list[dict[str, Any]]) -> None:
    client.append("x", [{"role": "user", "content": "a"}])
    client.append("x", [{"role": "usr", "content": "a"}])  # type: ignore[typeddict-item]
    client.append("x", [{"rol": "user", "content": "a"}])  # type: ignore[typeddict-item]
    client.append("x", [{"role": "user", "contents": "a"}])  # type: ignore[typeddict-unknown-key]
    client.append("x", items)  # type: ignore[arg-type]
    client.append("x", items, format="openai.item")
    client.append("x", [{"rol": "user"}], format="openai.item", create=True)
    client.create_session(messages=[{"role": "usr"}])  # type: ignore[typeddict-item]
    client.put_message("x", 1, {"role": "usr"})  # type: ignore[misc, arg-type]
    client.put_message("x", 1, {"rol": "user"})  # type: ignore[arg-type]
    client.put_message("x", 1, {**client.message("x", 1), "content": "a"}, if_match="a")
    annotated: list[MessageCreate] = [{"role": "user", "content": "a"}]
    client.append("x", annotated)


def messages_are_whole_or_bodies(client: Client, query: MessageQuery) -> None:
    assert_type(client.messages("x"), Iterator[MessageResponse])
    assert_type(client.messages("x", view="text", after=1), Iterator[MessageResponse])
    assert_type(client.messages("x", view="body", after=1), Iterator[JsonObject])
    assert_type(client.messages_page("x", **query), MessagePage)
    assert_type(client.messages_page("x", view="body"), BodyPage)


async def asynchronous_ones_too(client: AsyncClient) -> None:
    await client.append("x", [{"role": "usr", "content": "a"}])  # type: ignore[typeddict-item]
    assert_type(client.messages("x"), AsyncIterator[MessageResponse])
    assert_type(client.messages("x", view="body"), AsyncIterator[JsonObject])
    assert_type(await client.messages_page("x"), MessagePage)
    assert_type(await client.messages_page("x", view="body"), BodyPage)


def events_are_told_apart(client: Client) -> None:
    for event in client.events("x"):
        if event["event"] == "message":
            assert_type(event["id"], int)
            assert_type(event["data"], MessageResponse)
        elif event["event"] == "removed":
            assert_type(event["data"], Removed)
        elif event["event"] == "session":
            assert_type(event["data"], SessionResponse)
