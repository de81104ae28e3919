"""The Agent Development Kit's `BaseSessionService`, for its `Runner`."""

from contextlib import suppress
from typing import Any
from uuid import uuid4

from google.adk.events import Event, EventActions
from google.adk.sessions import BaseSessionService, Session, State
from google.adk.sessions.base_session_service import GetSessionConfig
from google.adk.sessions.base_session_service import ListSessionsResponse as Listed

from chat_sessions_client import AsyncClient, external
from chat_sessions_client import google_adk_shapes as shapes
from chat_sessions_client.errors import ChatSessionsError, SessionNotFound
from chat_sessions_client.google_adk_shapes import FORMAT, STATE_FORMAT, Config, Names, as_theirs
from chat_sessions_client.prefixed_state import PrefixedState
from chat_sessions_client.records import name_of, record
from chat_sessions_client.revision import Locks, append_at
from chat_sessions_client.shapes import JsonObject, SessionQuery, SessionResponse
from chat_sessions_client.shared_state import Known

_AS_JSON: dict[str, Any] = {"mode": "json", "by_alias": True, "exclude_none": True}
_PATH = ("actions", "stateDelta")
_NO_EVENTS = GetSessionConfig(num_recent_events=0)


class ChatSessionService(BaseSessionService):
    """Each event is a message, as it is, and a session's state is what its events have made of it.
    Changes to the state of an app or a user are kept besides, each once."""

    def __init__(self, client: AsyncClient) -> None:
        self._client, self._locks = client, Locks()

    @as_theirs
    async def create_session(
        self,
        *,
        app_name: str,
        user_id: str,
        state: JsonObject | None = None,
        session_id: str | None = None,
    ) -> Session:
        names = app_name, user_id, (session_id or "").strip() or str(uuid4())
        first = self._trim_temp_delta_state(Event(actions=EventActions(state_delta=state or {})))
        made = await self._client.create_session(
            external_id=shapes.external_id_of(names),
            metadata=shapes.metadata_of(names),
            messages=[record(STATE_FORMAT, first.model_dump(**_AS_JSON))] if state else None,
        )
        return await self._load(names, made, {})

    @as_theirs
    async def get_session(
        self, *, app_name: str, user_id: str, session_id: str, config: Config = None
    ) -> Session | None:
        names = app_name, user_id, session_id.strip()
        with suppress(SessionNotFound):
            return await self._load(names, await self._listed(names), {}, config)
        return None

    @as_theirs
    async def list_sessions(self, *, app_name: str, user_id: str | None = None) -> Listed:
        query: SessionQuery = {"archived": "any", "sort_by": "created_at"}
        query["metadata"] = shapes.wanted(app_name, user_id)
        known, found = dict[str, Known](), list[Session]()
        async for one in self._client.sessions(**query):
            with suppress(SessionNotFound):
                if names := shapes.names_within(one, app_name, user_id):
                    found.append(await self._load(names, one, known, _NO_EVENTS))
        return Listed(sessions=sorted(found, key=lambda s: (s.last_update_time, s.user_id, s.id)))

    @as_theirs
    async def delete_session(self, *, app_name: str, user_id: str, session_id: str) -> None:
        with suppress(SessionNotFound):
            await self._client.delete_session(_session((app_name, user_id, session_id.strip())))

    @as_theirs
    async def get_user_state(self, *, app_name: str, user_id: str) -> JsonObject:
        return await self._state(app_name, user_id, {}).of_prefix(State.USER_PREFIX)

    @as_theirs
    async def append_event(self, session: Session, event: Event) -> Event:
        """Raises StaleSessionError where there is an event that `session` does not have."""
        if event.partial:
            return event
        kept = self._trim_temp_delta_state(event.model_copy(deep=True)).model_dump(**_AS_JSON)
        name = _session((session.app_name, session.user_id, session.id.strip()))
        async with self._locks.of(name):
            last = external(session.events[-1].id if session.events else "")
            known = session._storage_update_marker or last
            stored, revision = await append_at(self._client, name, known, kept, FORMAT)
            await self._state(session.app_name, session.user_id, {}).share(stored)
            session._storage_update_marker = revision
            session.last_update_time = event.timestamp
            return await super().append_event(session, event)

    async def _listed(self, names: Names) -> SessionResponse:
        """With the metadata that lists go by, where somebody has taken that away."""
        found, own = await self._client.session(_session(names)), shapes.metadata_of(names)
        with suppress(ChatSessionsError):
            if found["metadata"] | own != found["metadata"]:
                return await self._client.change_session(found["id"], {"metadata": own})
        return found

    async def _load(
        self, names: Names, found: SessionResponse, known: dict[str, Known], config: Config = None
    ) -> Session:
        messages = [one async for one in self._client.messages(found["id"], limit=200)]
        state = await self._state(*names[:2], known).read(messages)
        return shapes.session_of(names, found, messages, state, config)

    def _state(self, app: str, user: str, known: dict[str, Known]) -> PrefixedState:
        shared = {State.APP_PREFIX: [app], State.USER_PREFIX: [app, user]}
        named = {prefix: name_of("adk-state", *names) for prefix, names in shared.items()}
        return PrefixedState(self._client, (STATE_FORMAT, FORMAT), _PATH, named, known)


def _session(names: Names) -> str:
    return external(shapes.external_id_of(names))
