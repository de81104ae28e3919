"""The JSON of requests and responses, named as in the API's description."""

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

JsonObject = dict[str, Any]
"""A JSON object, as the `json` module of the standard library has it."""

Role = Literal["user", "assistant", "system", "developer", "tool"]
SortOrder = Literal["asc", "desc"]
Marked = Literal["true", "false", "any"]


class MessageCreate(TypedDict):
    role: Role
    content: NotRequired[str | None]
    name: NotRequired[str | None]
    format: NotRequired[str | None]
    body: NotRequired[JsonObject | None]
    metadata: NotRequired[JsonObject | None]
    external_id: NotRequired[str | None]
    timestamp: NotRequired[str | None]


class MessageReplace(TypedDict):
    """What a message is to be. What cannot change is passed over."""

    role: Role
    content: NotRequired[str | None]
    name: NotRequired[str | None]
    format: NotRequired[str | None]
    body: NotRequired[JsonObject | None]
    metadata: NotRequired[JsonObject | None]
    id: NotRequired[str]
    session_id: NotRequired[str]
    message_order: NotRequired[int]
    external_id: NotRequired[str | None]
    timestamp: NotRequired[str]
    edited_at: NotRequired[str | None]


class MessageResponse(TypedDict):
    id: str
    external_id: str | None
    session_id: str
    message_order: int
    role: Role
    name: str | None
    content: str
    format: str | None
    body: JsonObject | None
    metadata: JsonObject
    timestamp: str
    edited_at: str | None


class SessionResponse(TypedDict):
    id: str
    external_id: str | None
    user_id: str
    title: str | None
    metadata: JsonObject
    archived: bool
    pinned: bool
    created_at: str
    last_updated: str
    message_count: int


class SessionUpdate(TypedDict, total=False):
    """A merge patch: what is absent stays, and None takes away the title or the metadata."""

    title: str | None
    metadata: Mapping[str, Any] | None
    archived: bool
    pinned: bool


class DeletionsResponse(TypedDict):
    sessions: int
    messages: int
    dry_run: bool


class Pagination(TypedDict):
    total: int
    limit: int
    offset: int | None
    has_next: bool
    has_previous: bool
    next_offset: int | None
    previous_offset: int | None


class SessionPagination(Pagination):
    next_cursor: str | None
    previous_cursor: str | None


class SearchPagination(TypedDict):
    total: int | None
    limit: int
    offset: int | None
    has_next: bool
    has_previous: bool
    next_offset: int | None
    previous_offset: int | None
    next_cursor: str | None
    previous_cursor: str | None


class SessionPage(TypedDict):
    items: list[SessionResponse]
    pagination: SessionPagination


class MessagePage(TypedDict):
    items: list[MessageResponse]
    pagination: Pagination


class BodyPage(TypedDict):
    """A page with view="body"."""

    items: list[JsonObject]
    pagination: Pagination


class SnippetPart(TypedDict):
    text: str
    match: bool


class FoundSession(TypedDict):
    id: str
    title: str | None


class FoundMessage(TypedDict):
    message_order: int
    role: Role
    timestamp: str


class SearchHit(TypedDict):
    session: FoundSession
    message: FoundMessage | None
    snippet: list[SnippetPart]


class SearchPageResponse(TypedDict):
    items: list[SearchHit]
    pagination: SearchPagination


Violation = TypedDict(
    "Violation",
    {
        "detail": str,
        "pointer": NotRequired[str],
        "parameter": NotRequired[str],
        "in": NotRequired[Literal["query", "path", "header"]],
    },
)


class MessageEvent(TypedDict):
    """A message was appended."""

    event: Literal["message"]
    id: int
    data: MessageResponse


class ReplacedEvent(TypedDict):
    """A message was replaced."""

    event: Literal["replaced"]
    id: None
    data: MessageResponse


class Removed(TypedDict):
    """The message that was removed, or the order that all removed ones are before."""

    message_order: NotRequired[int]
    before: NotRequired[int]


class RemovedEvent(TypedDict):
    """Messages were removed."""

    event: Literal["removed"]
    id: None
    data: Removed


class SessionEvent(TypedDict):
    """The session's title, metadata or flags changed."""

    event: Literal["session"]
    id: None
    data: SessionResponse


Event = MessageEvent | ReplacedEvent | RemovedEvent | SessionEvent
"""What happened in a session. Whoever asks which one it is passes over events of other names, which
a later service may send."""


class LeftOut(TypedDict):
    reason: str
    line: NotRequired[int]
    count: NotRequired[int]


class ImportedSession(TypedDict):
    external_id: str | None
    session_id: str | None
    status: Literal["created", "kept", "refused"]
    messages: int
    left_out: list[LeftOut]


class SessionQuery(TypedDict, total=False):
    """How to list sessions. `metadata` has the values that members of theirs must equal."""

    limit: int
    offset: int
    sort_by: Literal["created_at", "last_updated"]
    sort_order: SortOrder
    cursor: str
    archived: Marked
    pinned: Marked
    external_id: str
    updated_after: str
    updated_before: str
    metadata: Mapping[str, Any]


class _Places(TypedDict, total=False):
    limit: int
    offset: int
    sort_by: Literal["timestamp", "message_order"]
    sort_order: SortOrder
    after: int
    before: int
    around: int
    wait: int


class MessageQuery(_Places, total=False):
    """How to list messages. With view="text" their bodies are left out."""

    view: Literal["full", "text"]


class BodyQuery(_Places):
    """How to list messages, each item of which is a message's body alone."""

    view: Literal["body"]


class AnyMessageQuery(_Places, total=False):
    """How to list messages, in either way."""

    view: Literal["full", "text", "body"]


class SearchQuery(TypedDict, total=False):
    session_id: str
    limit: int
    cursor: str
