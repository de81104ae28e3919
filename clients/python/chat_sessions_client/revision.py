"""Appends that are refused where somebody else has written meanwhile."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from weakref import WeakValueDictionary

from chat_sessions_client.async_client import AsyncClient
from chat_sessions_client.errors import ChatSessionsError, MessageNotFound, VersionMismatch
from chat_sessions_client.operations import external
from chat_sessions_client.shapes import MessageResponse, SessionResponse


class Overtaken(ChatSessionsError):
    """There are messages after the revision that a write was made for."""


def revision_of(session: SessionResponse, messages: Sequence[MessageResponse]) -> str:
    """How far somebody has read a session: to which message, and when it had last changed, which
    was read before."""
    return _revision(messages[-1]["message_order"] if messages else 0, session["last_updated"])


async def append_at(
    client: AsyncClient, session: str, revision: str, item: Mapping[str, Any], format_: str
) -> tuple[MessageResponse, str]:
    """Append an item if there is no message after those of the revision.

    In its place the last message that is known can be named: `external(id)`, or `external("")`
    where there is none. Returns what is stored, and the next revision. Raises Overtaken. Whoever
    renames the session meanwhile is not in the way.
    """
    if revision.startswith(external("")):
        revision = _revision(await _order(client, session, revision), "unknown")
    order, _, changed = revision.partition(" ")
    while True:
        found, tag = await client.tagged_session(session)
        if found["last_updated"] != changed:
            newer = await client.messages_page(session, after=int(order), limit=1)
            if newer["items"]:
                raise Overtaken(f"there is a message after message {order}")
        with suppress(VersionMismatch):
            (stored,) = await client.append(session, [item], format=format_, if_match=tag)
            return stored, _revision(stored["message_order"], stored["timestamp"])


async def _order(client: AsyncClient, session: str, last: str) -> int:
    if last == external(""):
        return 0
    try:
        return (await client.message(session, last))["message_order"]
    except MessageNotFound:
        raise Overtaken("the last message that is known is not there") from None


def _revision(order: int, changed: str) -> str:
    return f"{order} {changed}"


class Locks:
    """A lock for each session in each event loop, which is there as long as somebody holds it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[int, str], asyncio.Lock] = WeakValueDictionary()

    def of(self, session: str) -> asyncio.Lock:
        loop = id(asyncio.get_running_loop())
        return self._locks.setdefault((loop, session), asyncio.Lock())
