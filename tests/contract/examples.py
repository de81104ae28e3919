"""Owners, sessions and messages to put into a storage, and every page that can be asked of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

from application.idempotency import IdempotencyClaim, Receipt
from application.ports.messages import PLAIN_TERMS, AppendTerms
from application.ports.storage import Storage
from domain.message import Message, NewMessage, Role
from domain.message_page import MessagePageRequest
from domain.owner import Owner
from domain.page import Page
from domain.session import NO_MESSAGES, NewSession, Session
from tests.clock import START

ALICE = Owner("https://issuer.example", "alice")
BOB = Owner("https://issuer.example", "bob")
OTHER_ALICE = Owner("https://other.example", "alice")

T = TypeVar("T")


def new_owner() -> Owner:
    return Owner("https://issuer.example", str(uuid4()))


def new_session(
    owner: Owner = ALICE, *, now: datetime = START, id_: UUID | None = None, **new: Any
) -> Session:
    return started(owner, now=now, id_=id_, **new)[0]


def started(
    owner: Owner = ALICE,
    messages: Mapping[UUID, NewMessage] = NO_MESSAGES,
    *,
    now: datetime = START,
    id_: UUID | None = None,
    **new: Any,
) -> tuple[Session, tuple[Message, ...]]:
    """A new session and its messages in place."""
    return Session.started(id_ or uuid4(), owner, now, NewSession(**new), messages)


def batch(*messages: NewMessage) -> dict[UUID, NewMessage]:
    return {uuid4(): message for message in messages}


def new_messages(*contents: str) -> dict[UUID, NewMessage]:
    return batch(*(NewMessage(Role.USER, content) for content in contents))


def named(*external_ids: str) -> dict[UUID, NewMessage]:
    """Messages that say the external ids that they have."""
    return batch(*(NewMessage(Role.USER, name, external_id=name) for name in external_ids))


async def stored_session(storage: Storage, owner: Owner = ALICE, *contents: str) -> Session:
    """A session that was stored, with these messages."""
    session, messages = started(owner, new_messages(*contents))
    await storage.sessions.add(session, messages)
    return session


async def appended(
    storage: Storage,
    session: Session,
    messages: Mapping[UUID, NewMessage],
    now: datetime = START,
    claim: IdempotencyClaim | None = None,
    terms: AppendTerms = PLAIN_TERMS,
) -> tuple[Message, ...]:
    """The messages of an append that finds no receipt."""
    owner = session.owner
    placed = await storage.messages.append(owner, session.id, messages, now, claim, terms)
    assert not isinstance(placed, Receipt)
    return placed


async def all_messages(storage: Storage, session: Session) -> list[Message]:
    items, _ = await walked(
        lambda offset: storage.messages.page(
            session.owner, session.id, MessagePageRequest(limit=200, offset=offset)
        )
    )
    return items


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
