"""The Agent Development Kit's `BaseSessionService`, for its `Runner`."""

from contextlib import suppress
from datetime import datetime
from typing import Any, TypeAlias
from uuid import uuid4

from google.adk.errors import StaleSessionError
from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.errors.input_validation_error import InputValidationError
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.events import Event, EventActions
from google.adk.sessions import BaseSessionService, Session, State
from google.adk.sessions.base_session_service import GetSessionConfig
from google.adk.sessions.base_session_service import ListSessionsResponse as Listed

from chat_sessions_client import AsyncClient, errors, external
from chat_sessions_client.prefixed_state import PrefixedState
from chat_sessions_client.records import name_of, record
from chat_sessions_client.revision import Locks, Overtaken, append_at, revision_of
from chat_sessions_client.shapes import JsonObject, SessionResponse
from chat_sessions_client.translation import translating

_FORMATS = STATE_FORMAT, FORMAT = "adk.state/1", "adk.event/1"
_AS_JSON: dict[str, Any] = {"mode": "json", "by_alias": True, "exclude_none": True}
_NAMES = ("adk_app", "adk_user", "adk_session")
_Config: TypeAlias = GetSessionConfig | None
_Given: TypeAlias = JsonObject | None
_as_theirs = translating(
    ((errors.SessionExists, errors.MessageExists), AlreadyExistsError),
    (errors.SessionNotFound, SessionNotFoundError),
    (Overtaken, StaleSessionError),
    ((errors.InvalidInput, errors.BodyTooLarge), InputValidationError),
)


class ChatSessionService(BaseSessionService):
    """Each event is a message, as it is, and a session's state is what its events have made of it.
    Changes to the state of an app or a user are kept besides, each once."""

    def __init__(self, client: AsyncClient) -> None:
        self._client, self._locks = client, Locks()

    @_as_theirs
    async def create_session(
        self, *, app_name: str, user_id: str, state: _Given = None, session_id: str | None = None
    ) -> Session:
        names = app_name, user_id, (session_id or "").strip() or str(uuid4())
        first = self._trim_temp_delta_state(Event(actions=EventActions(state_delta=state or {})))
        made = await self._client.create_session(
            external_id=name_of("adk", *names),
            metadata=dict(zip(_NAMES, names, strict=True)),
            messages=[record(STATE_FORMAT, first.model_dump(**_AS_JSON))] if state else None,
        )
        return await self._load(made)

    async def get_session(
        self, *, app_name: str, user_id: str, session_id: str, config: _Config = None
    ) -> Session | None:
        with suppress(errors.SessionNotFound):
            found = await self._client.session(_session(app_name, user_id, session_id))
            return await self._load(found, config)
        return None

    async def list_sessions(self, *, app_name: str, user_id: str | None = None) -> Listed:
        names = {"adk_app": app_name} | ({} if user_id is None else {"adk_user": user_id})
        walk = self._client.sessions(metadata=names, archived="any", sort_by="created_at")
        found = []
        async for one in walk:
            with suppress(errors.SessionNotFound):
                found.append(await self._load(one, GetSessionConfig(num_recent_events=0)))
        return Listed(sessions=sorted(found, key=lambda s: (s.last_update_time, s.user_id, s.id)))

    async def delete_session(self, *, app_name: str, user_id: str, session_id: str) -> None:
        with suppress(errors.SessionNotFound):
            await self._client.delete_session(_session(app_name, user_id, session_id))

    async def get_user_state(self, *, app_name: str, user_id: str) -> JsonObject:
        return await self._state(app_name, user_id).of_prefix(State.USER_PREFIX)

    @_as_theirs
    async def append_event(self, session: Session, event: Event) -> Event:
        """Raises StaleSessionError where there is an event that `session` does not have."""
        if event.partial:
            return event
        kept = self._trim_temp_delta_state(event.model_copy(deep=True)).model_dump(**_AS_JSON)
        name = _session(session.app_name, session.user_id, session.id)
        async with self._locks.of(name):
            last = external(session.events[-1].id if session.events else "")
            known = session._storage_update_marker or last
            stored, revision = await append_at(self._client, name, known, kept, FORMAT)
            await self._state(session.app_name, session.user_id).share(stored)
            session._storage_update_marker = revision
            session.last_update_time = event.timestamp
            return await super().append_event(session, event)

    async def _load(self, found: SessionResponse, config: _Config = None) -> Session:
        app, user, id_ = (found["metadata"][name] for name in _NAMES)
        messages = [one async for one in self._client.messages(found["id"], limit=200)]
        state = await self._state(app, user).read(messages)
        session = Session(id=id_, app_name=app, user_id=user, state=state)
        session.last_update_time = datetime.fromisoformat(found["created_at"]).timestamp()
        events = [Event.model_validate(one["body"]) for one in messages if one["format"] == FORMAT]
        for event in events[-1:]:
            session.last_update_time = event.timestamp
        after, count = (config.after_timestamp, config.num_recent_events) if config else (0, None)
        session.events = [one for one in events if one.timestamp >= (after or 0)]
        del session.events[: 0 if count is None else -count or None]
        session._storage_update_marker = revision_of(found, messages)
        return session

    def _state(self, app: str, user: str) -> PrefixedState:
        shared = {State.APP_PREFIX: [app], State.USER_PREFIX: [app, user]}
        return PrefixedState(self._client, "adk-state", _FORMATS, ("actions", "stateDelta"), shared)


def _session(app: str, user: str, id_: str) -> str:
    return external(name_of("adk", app, user, id_.strip()))
