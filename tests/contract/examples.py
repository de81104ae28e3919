"""Owners, sessions and messages to put into a storage, and every page that can be asked of it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID, uuid4

from application.ports.storage import Storage
from domain.message import NewMessage, Role
from domain.metadata import EMPTY, Metadata
from domain.owner import Owner
from domain.page import Page
from domain.session import NewSession, Session
from tests.clock import START

ALICE = Owner("https://issuer.example", "alice")
BOB = Owner("https://issuer.example", "bob")
OTHER_ALICE = Owner("https://other.example", "alice")

T = TypeVar("T")


def new_session(
    owner: Owner = ALICE,
    *,
    now: datetime = START,
    id_: UUID | None = None,
    title: str | None = None,
    metadata: Metadata = EMPTY,
) -> Session:
    return Session.started(id_ or uuid4(), owner, now, NewSession(title, metadata))


def new_messages(*contents: str) -> dict[UUID, NewMessage]:
    return {uuid4(): NewMessage(Role.USER, content) for content in contents}


async def stored_session(storage: Storage, owner: Owner = ALICE, *contents: str) -> Session:
    """A session that was stored, with these messages."""
    session, messages = new_session(owner).appended(new_messages(*contents), START)
    await storage.sessions.add(session, messages)
    return session


async def walked(read: Callable[[int], Awaitable[Page[T]]]) -> tuple[list[T], Sequence[int]]:
    """All items in the order that following next_offset gives, and the total of each page."""
    items: list[T] = []
    totals = []
    offset: int | None = 0
    while offset is not None:
        page = await read(offset)
        items.extend(page.items)
        totals.append(page.total)
        offset = page.next_offset
    return items, totals
