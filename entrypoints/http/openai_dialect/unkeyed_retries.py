"""Retries without an Idempotency-Key.

OpenAI's clients repeat a request whose answer they did not get, and say that it is a retry, but
send no key with it. Items that came with the first try are then found by what they are.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from application.errors import Unavailable
from application.ports.messages import AppendTerms
from application.use_cases import UseCases
from domain.errors import VersionMismatch
from domain.message import Message, NewMessage
from domain.message_page import MessagePageRequest
from domain.owner import Owner
from domain.page import SortOrder
from domain.session import SessionRef

LOOK_BACK = MessagePageRequest(limit=100, sort_order=SortOrder.DESC)
"""Where the items of a first try are looked for."""

PERIOD = timedelta(minutes=15)
"""How long ago they may have been stored: a client waits ten minutes for an answer."""

RACES = 10


async def append_unless_there(
    use_cases: UseCases,
    caller: Owner,
    session: SessionRef,
    messages: Sequence[NewMessage],
    now: datetime,
) -> tuple[Sequence[Message], bool]:
    """Append the messages of a retry, unless the first try has stored them. Return them as they are
    stored, and whether they were there.

    They are stored only at the version of the session at which they were not found. Raises as an
    append does.
    """
    for _ in range(RACES):
        version = (await use_cases.get_session(caller, session)).version
        page = await use_cases.get_messages(caller, session, LOOK_BACK)
        found = _found(page.items[::-1], messages, now - PERIOD)
        if found:
            return found, True
        terms = AppendTerms(expected=(version,))
        with suppress(VersionMismatch):
            stored = await use_cases.append_messages.once(None, caller, session, messages, terms)
            return stored.value, False
    raise Unavailable("the conversation changes again and again")


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
