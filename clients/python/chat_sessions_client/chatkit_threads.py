"""ChatKit's threads, each in the metadata of its session, and in a message from which that is put
back where another client has taken it away."""

from contextlib import suppress

from chatkit.types import ThreadMetadata

from chat_sessions_client import AsyncClient, external
from chat_sessions_client.chatkit_shapes import (
    RECORD_ID,
    know_title,
    metadata_of,
    record_of,
    thread_of,
    title_of,
    update_of,
)
from chat_sessions_client.errors import (
    ABSENT,
    ChatSessionsError,
    SessionExists,
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
    try:
        before = await client.session(external(thread.id))
    except SessionNotFound:
        with suppress(SessionExists):
            return await _create(client, thread)
        before = await client.session(external(thread.id))
    await client.change_session(before["id"], update_of(thread, before))
    know_title(thread)
    await client.put_message(before["id"], external(RECORD_ID), record_of(thread))
    return None


async def _create(client: AsyncClient, thread: ThreadMetadata) -> None:
    await client.create_session(
        external_id=thread.id,
        title=title_of(thread),
        metadata=metadata_of(thread),
        messages=[{**record_of(thread), "external_id": RECORD_ID}],
    )
    know_title(thread)
