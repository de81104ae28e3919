"""The wire: what clients send and get. The rules are the domain's; here they meet JSON."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)

from domain.errors import InvalidValue
from domain.message import BATCH_MAX, CONTENT_MAX, Message, NewMessage, Role, check_content
from domain.metadata import EMPTY, METADATA_MAX, Metadata, check_json
from domain.session import TITLE_MAX, UNSET, Session, SessionPatch, trimmed_title


def rfc3339(instant: datetime) -> str:
    """UTC with microseconds and Z (RFC 3339 section 5.6)."""
    return instant.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _text(value: object) -> str:
    """An enumeration would make an error message of the whole value."""
    if not isinstance(value, str):
        raise InvalidValue("must be a string")
    return value


def _checked(value: dict[str, Any]) -> dict[str, Any]:
    check_json(value)
    return value


Title = Annotated[
    str,
    AfterValidator(trimmed_title),
    Field(description=f"1 to {TITLE_MAX} characters once space at its ends is taken off."),
]
Content = Annotated[
    str, AfterValidator(check_content), Field(json_schema_extra={"maxLength": CONTENT_MAX})
]
MetadataObject = Annotated[
    Metadata,
    PlainValidator(Metadata.of),
    WithJsonSchema({"type": "object", "additionalProperties": True}),
    Field(
        description=f"At most {METADATA_MAX} bytes as compact JSON.",
        json_schema_extra={"default": {}},
    ),
]
Timestamp = Annotated[
    datetime,
    PlainSerializer(rfc3339),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Id = Annotated[str, Field(json_schema_extra={"format": "uuid"})]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class MessageCreate(_Input):
    role: Annotated[Role, Field(strict=False), BeforeValidator(_text)]
    content: Content
    metadata: MetadataObject = EMPTY

    def to_domain(self) -> NewMessage:
        return NewMessage(self.role, self.content, self.metadata)


class SessionCreate(_Input):
    title: Title | None = None
    metadata: MetadataObject = EMPTY
    messages: Annotated[list[MessageCreate], Field(max_length=BATCH_MAX)] = []


class SessionUpdate(_Input):
    """A JSON merge patch (RFC 7396): null removes, what is absent stays."""

    title: Title | None = None
    metadata: Annotated[dict[str, Any], AfterValidator(_checked)] | None = None

    def to_domain(self) -> SessionPatch:
        given = self.model_fields_set
        return SessionPatch(
            title=self.title if "title" in given else UNSET,
            metadata=self.metadata if "metadata" in given else UNSET,
        )


class MessagesAppend(_Input):
    messages: Annotated[list[MessageCreate], Field(min_length=1, max_length=BATCH_MAX)]


class SessionResponse(BaseModel):
    id: Id
    user_id: str
    title: str | None
    metadata: dict[str, Any]
    created_at: Timestamp
    last_updated: Timestamp
    message_count: int

    @classmethod
    def of(cls, session: Session) -> "SessionResponse":
        return cls(
            id=str(session.id),
            user_id=session.owner.subject,
            title=session.title,
            metadata=session.metadata.to_dict(),
            created_at=session.created_at,
            last_updated=session.last_updated,
            message_count=session.message_count,
        )


class MessageResponse(BaseModel):
    id: Id
    session_id: Id
    message_order: int
    role: Role
    content: str
    metadata: dict[str, Any]
    timestamp: Timestamp

    @classmethod
    def of(cls, message: Message) -> "MessageResponse":
        return cls(
            id=str(message.id),
            session_id=str(message.session_id),
            message_order=message.message_order,
            role=message.role,
            content=message.content,
            metadata=message.metadata.to_dict(),
            timestamp=message.timestamp,
        )


class MessagesResponse(BaseModel):
    items: list[MessageResponse]


class Pagination(BaseModel):
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


class SessionPage(BaseModel):
    items: list[SessionResponse]
    pagination: SessionPagination


class MessagePage(BaseModel):
    items: list[MessageResponse]
    pagination: Pagination


class ViolationResponse(BaseModel):
    """Where in the input, by a JSON pointer into the body or by a parameter's name."""

    detail: str
    pointer: str = ""
    parameter: str = ""
    in_: Annotated[Literal["query", "path", "header"], Field(alias="in")] = "query"


class ProblemResponse(BaseModel):
    """Problem details (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[ViolationResponse] = []
