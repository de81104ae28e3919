"""Retries without an Idempotency-Key.

OpenAI's clients repeat a request whose answer they did not get, and say that it is a retry, but
send no key with it. Items that came with the first try are then found by what they are: by an id of
the client's own, if one of them has one, else by what they say.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from application.ports.messages import AppendTerms
from application.use_cases import UseCases
from domain.errors import ExternalIdTaken
from domain.message import Message, NewMessage
from domain.message_page import MessagePageRequest
from domain.owner import Owner
from domain.page import SortOrder
from domain.session import SessionRef
from entrypoints.http.openai_dialect.races import while_others_write

LOOK_BACK = 100
"""Messages among which the items of a first try are looked for."""

PERIOD = timedelta(minutes=15)
"""How long ago they may have been stored: a client waits ten minutes for an answer."""


async def append_unless_there(
    use_cases: UseCases,
    caller: Owner,
    session: SessionRef,
    messages: Sequence[NewMessage],
    now: datetime,
) -> tuple[Sequence[Message], bool]:
    """Append the messages of a retry, unless the first try has stored them. Return them as they are
    stored, and whether they were there. Raises as an append does."""
    if any(message.external_id is not None for message in messages):
        return await _append_named(use_cases, caller, session, messages)
    return await _append_nameless(use_cases, caller, session, messages, now - PERIOD)


async def _append_named(
    use_cases: UseCases, caller: Owner, session: SessionRef, messages: Sequence[NewMessage]
) -> tuple[Sequence[Message], bool]:
    """Append messages of which one has an id, which nobody can store twice."""
    try:
        stored = await use_cases.append_messages.once(None, caller, session, messages)
    except ExternalIdTaken as error:
        if error.message_order is None:
            raise
        first = error.message_order - (error.index or 0)
        there = await _span(use_cases, caller, session, first, len(messages))
        if not _are_left_of(there, messages, first):
            raise
        return there, True
    return stored.value, False


async def _append_nameless(
    use_cases: UseCases,
    caller: Owner,
    session: SessionRef,
    messages: Sequence[NewMessage],
    since: datetime,
) -> tuple[Sequence[Message], bool]:
    """Append messages only at the version of the session at which they were not found."""

    async def attempt() -> tuple[Sequence[Message], bool]:
        version = (await use_cases.get_session(caller, session)).version
        found = _found(await _newest(use_cases, caller, session, since), messages, since)
        if found:
            return found, True
        terms = AppendTerms(expected=(version,))
        stored = await use_cases.append_messages.once(None, caller, session, messages, terms)
        return stored.value, False

    return await while_others_write(attempt)


async def _newest(
    use_cases: UseCases, caller: Owner, session: SessionRef, since: datetime
) -> Sequence[Message]:
    """The newest messages, the oldest of them first, page by page where they are large."""
    newest: list[Message] = []
    before = None
    while len(newest) < LOOK_BACK:
        asked = MessagePageRequest(
            limit=LOOK_BACK - len(newest), sort_order=SortOrder.DESC, before=before
        )
        page = await use_cases.get_messages(caller, session, asked)
        newest += page.items
        if not page.has_next or newest[-1].timestamp < since:
            break
        before = newest[-1].message_order
    return newest[::-1]


async def _span(
    use_cases: UseCases, caller: Owner, session: SessionRef, first: int, size: int
) -> Sequence[Message]:
    """What is left of the messages of so many orders, from the first on."""
    span: list[Message] = []
    after, last = first - 1, first + size - 1
    while 0 <= after < last:
        asked = MessagePageRequest(limit=last - after, after=after)
        page = await use_cases.get_messages(caller, session, asked)
        span += (message for message in page.items if message.message_order <= last)
        if not page.has_next or not page.items:
            break
        after = page.items[-1].message_order
    return span


def _are_left_of(there: Sequence[Message], asked: Sequence[NewMessage], first: int) -> bool:
    """Whether the messages are those that were asked for, each in its place, as they were stored
    or as somebody has replaced them since."""
    pairs = ((asked[message.message_order - first], message) for message in there)
    return bool(there) and all(
        _is_stored_as(new, message)
        or (message.edited_at is not None and new.external_id == message.external_id)
        for new, message in pairs
    )


def _found(
    stored: Sequence[Message], asked: Sequence[NewMessage], since: datetime
) -> Sequence[Message]:
    """The newest run of messages that are those asked for, if what follows it is of the same role:
    after an answer to it, the client has gone on and says the same once more."""
    size = len(asked)
    for first in range(len(stored) - size, -1, -1):
        run = stored[first : first + size]
        is_same = all(map(_is_stored_as, asked, run))
        if is_same and run[0].timestamp >= since:
            later = {message.role for message in stored[first + size :]}
            return run if later <= {run[-1].role} else ()
    return ()


def _is_stored_as(new: NewMessage, message: Message) -> bool:
    return (new.external_id, new.format, new.body) == (
        message.external_id,
        message.format,
        message.body,
    )
