"""ChatKit's threads, each in the metadata of its session, and in a message from which that is put
back where another client has taken it away."""

from contextlib import suppress

from chatkit.types import ThreadMetadata

from chat_sessions_client import AsyncClient, external
from chat_sessions_client.chatkit_shapes import (
    RECORD_ID,
    know,
    metadata_of,
    record_of,
    session_of,
    thread_of,
    title_of,
    update_of,
)
from chat_sessions_client.errors import (
    ABSENT,
    ChatSessionsError,
    SessionExists,
    SessionForbidden,
    SessionNotFound,
)
from chat_sessions_client.shapes import SessionResponse


async def load(client: AsyncClient, session: SessionResponse) -> ThreadMetadata | None:
    """None where the session is no thread's."""
    if found := thread_of(session):
        return found
    with suppress(*ABSENT):
        kept = (await client.message(session["id"], external(RECORD_ID)))["body"]
        if found := thread_of(session, kept or {}):
            with suppress(ChatSessionsError):
                await client.change_session(session["id"], {"metadata": metadata_of(found)})
            return found
    return None


async def save(client: AsyncClient, thread: ThreadMetadata) -> None:
    """Raises SessionNotFound where this very object was loaded or saved before, and somebody has
    deleted the thread since."""
    known = session_of(thread)
    try:
        before = await client.session(external(thread.id))
    except SessionNotFound:
        if known:
            with suppress(SessionForbidden):  # another person's
                await client.session(known)
        with suppress(SessionExists):
            return await _create(client, thread)
        before = await client.session(external(thread.id))
    know(thread, await client.change_session(before["id"], update_of(thread, before)))
    await client.put_message(before["id"], external(RECORD_ID), record_of(thread))
    return None


async def _create(client: AsyncClient, thread: ThreadMetadata) -> None:
    made = await client.create_session(
        external_id=thread.id,
        title=title_of(thread),
        metadata=metadata_of(thread),
        messages=[{**record_of(thread), "external_id": RECORD_ID}],
    )
    know(thread, made)
