"""How the Agent Development Kit's sessions are stored and found again, and what it calls errors."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from urllib.parse import unquote

from google.adk.errors import StaleSessionError
from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.errors.input_validation_error import InputValidationError
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.events import Event
from google.adk.sessions import Session
from google.adk.sessions.base_session_service import GetSessionConfig
from pydantic import ValidationError

from chat_sessions_client import errors
from chat_sessions_client.records import name_of
from chat_sessions_client.revision import Overtaken, revision_of
from chat_sessions_client.shapes import JsonObject, MessageResponse, SessionResponse
from chat_sessions_client.translation import translating

STATE_FORMAT, FORMAT = "adk.state/1", "adk.event/1"
_KIND = "adk"
_MEMBERS = ("adk_app", "adk_user", "adk_session")

Config: TypeAlias = GetSessionConfig | None
Names: TypeAlias = tuple[str, str, str]
"""The app, the user and the session."""

_REFUSED = (errors.BadRequest, errors.InvalidInput, errors.BodyTooLarge)
as_theirs = translating(
    ((errors.SessionExists, errors.MessageExists), AlreadyExistsError),
    (errors.SessionNotFound, SessionNotFoundError),
    (Overtaken, StaleSessionError),
    ((*_REFUSED, UnicodeError), InputValidationError),
)


def external_id_of(names: Names) -> str:
    return name_of(_KIND, *names)


def metadata_of(names: Names) -> dict[str, Any]:
    return dict(zip(_MEMBERS, names, strict=True))


def wanted(app: str, user: str | None) -> Mapping[str, str]:
    """The metadata of the sessions of a list."""
    return {"adk_app": app} | ({} if user is None else {"adk_user": user})


def names_of(session: SessionResponse) -> Names | None:
    """By its external id, or by its metadata where that is a hash; None where it is none of
    ADK's."""
    named = session["external_id"] or ""
    read = [unquote(one) for one in named.removeprefix(f"{_KIND}:").split("/")]
    told = [str(session["metadata"].get(one)) for one in _MEMBERS]
    for app, user, id_ in (one for one in (read, told) if len(one) == len(_MEMBERS)):
        if external_id_of((app, user, id_)) == named:
            return app, user, id_
    return None


def names_within(session: SessionResponse, app: str, user: str | None) -> Names | None:
    """None where its metadata alone say that it is of this app and user."""
    names = names_of(session)
    return names if names and names[0] == app and user in {None, names[1]} else None


def session_of(
    names: Names,
    found: SessionResponse,
    messages: Sequence[MessageResponse],
    state: JsonObject,
    config: Config,
) -> Session:
    app, user, id_ = names
    session = Session(id=id_, app_name=app, user_id=user, state=state)
    session.last_update_time = datetime.fromisoformat(found["created_at"]).timestamp()
    events = [event for one in messages if (event := _event(one))]
    for event in events[-1:]:
        session.last_update_time = event.timestamp
    after, count = (config.after_timestamp, config.num_recent_events) if config else (0, None)
    session.events = [one for one in events if one.timestamp >= (after or 0)]
    del session.events[: 0 if count is None else -count or None]
    session._storage_update_marker = revision_of(found, messages)
    return session


def _event(message: MessageResponse) -> Event | None:
    """None where it is another program's, or what somebody has made of it is no event."""
    if message["format"] == FORMAT:
        try:
            return Event.model_validate(message["body"])
        except ValidationError:
            return None
    return None
