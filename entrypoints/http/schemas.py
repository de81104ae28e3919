"""The schemas of requests and responses. The domain's rules validate what clients send."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from domain.message import BATCH_MAX, CONTENT_MAX, NewMessage, Role
from domain.metadata import EMPTY
from domain.owner import SUBJECT_MAX
from domain.page import LIMIT_DEFAULT, LIMIT_MAX
from domain.session import TITLE_MAX, UNSET, NewSession, SessionPatch
from entrypoints.http.schema_types import (
    CHANGED,
    CREATED,
    MESSAGE_ID,
    SESSION_ID,
    ContentInput,
    Id,
    MetadataInput,
    MetadataOutput,
    MetadataPatch,
    RoleInput,
    Timestamp,
    Title,
    TitleInput,
)

CURSOR = r"^[A-Za-z0-9_-]*$"
CURSOR_MAX = 100
CURSOR_EXAMPLE = "AQgABkde9ldPNwGiCr6YGXcoqkUkRpZtZrs"


Count = Annotated[int, Field(ge=0)]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class MessageCreate(_Input):
    """A message to be said."""

    role: RoleInput
    content: ContentInput
    metadata: MetadataInput = EMPTY

    def to_domain(self) -> NewMessage:
        return NewMessage(self.role, self.content, self.metadata)


class SessionCreate(_Input):
    """A session to be started. Every member is optional."""

    title: Annotated[
        TitleInput | None,
        Field(
            description=f"1 to {TITLE_MAX} characters once space at its ends is taken off.",
            examples=["Weekend in Lisbon"],
        ),
    ] = None
    metadata: MetadataInput = EMPTY
    messages: Annotated[
        Annotated[list[MessageCreate], Field(max_length=BATCH_MAX)] | None,
        Field(
            description="First messages, stored with the session or not at all.",
            examples=[[{"role": Role.USER, "content": "Where shall we stay?"}]],
        ),
    ] = None

    def to_domain(self) -> NewSession:
        return NewSession(self.title, self.metadata)


class SessionUpdate(_Input):
    """A JSON merge patch (RFC 7396): null removes, what is absent stays."""

    title: Annotated[
        TitleInput | None,
        Field(
            description=f"1 to {TITLE_MAX} characters once space at its ends is taken off; "
            "null removes the title.",
            examples=["Lisbon"],
        ),
    ] = None
    metadata: Annotated[
        MetadataPatch | None,
        Field(
            description="Merged into the metadata, member by member; null empties it. The limits "
            "hold for the result.",
            examples=[{"starred": True}],
        ),
    ] = None

    def to_domain(self) -> SessionPatch:
        given = self.model_fields_set
        return SessionPatch(
            title=self.title if "title" in given else UNSET,
            metadata=self.metadata if "metadata" in given else UNSET,
        )


class MessagesAppend(_Input):
    """Messages to be stored, all or none, in the order given."""

    messages: Annotated[
        list[MessageCreate],
        Field(description="One to a hundred.", min_length=1, max_length=BATCH_MAX),
    ]


class SessionResponse(BaseModel):
    """A session, without its messages."""

    id: Annotated[Id, Field(description="A UUIDv7.", examples=[SESSION_ID])]
    user_id: Annotated[
        str,
        Field(
            description="Whose session it is: the token's `sub`.",
            examples=["alice"],
            json_schema_extra={"minLength": 1, "maxLength": SUBJECT_MAX},
        ),
    ]
    title: Annotated[
        str | None,
        Field(description=f"1 to {TITLE_MAX} characters, or null.", examples=["Weekend in Lisbon"]),
    ]
    metadata: MetadataOutput
    created_at: Annotated[Timestamp, Field(description="When it was created.", examples=[CREATED])]
    last_updated: Annotated[
        Timestamp,
        Title,
        Field(
            description="When it was created, changed or last appended to. It grows with every "
            "change, and so is the session's version.",
            examples=[CHANGED],
        ),
    ]
    message_count: Annotated[Count, Field(description="How many messages it has.", examples=[2])]


class MessageResponse(BaseModel):
    """A stored message. It never changes."""

    id: Annotated[Id, Field(description="A UUIDv7.", examples=[MESSAGE_ID])]
    session_id: Annotated[Id, Field(description="The session it is in.", examples=[SESSION_ID])]
    message_order: Annotated[
        int,
        Field(
            ge=1,
            description="1, 2, 3 ... within the session, with no gap and no repeat.",
            examples=[1],
        ),
    ]
    role: Annotated[Role, Field(description="Who said it.", examples=[Role.USER])]
    content: Annotated[
        str,
        Field(
            description="What was said.",
            examples=["Where shall we stay?"],
            json_schema_extra={"maxLength": CONTENT_MAX},
        ),
    ]
    metadata: MetadataOutput
    timestamp: Annotated[
        Timestamp,
        Title,
        Field(
            description="When it was stored. It grows with `message_order`.",
            examples=["2026-01-02T03:04:05.678902Z"],
        ),
    ]


class MessagesResponse(BaseModel):
    """The messages that were appended, as they are stored."""

    items: Annotated[list[MessageResponse], Field(description="In the order given.")]


class Pagination(BaseModel):
    """Where the page is in its list. The total is from the same moment as the items."""

    total: Annotated[Count, Field(description="Items in the whole list.", examples=[120])]
    limit: Annotated[
        int,
        Field(ge=1, le=LIMIT_MAX, description="As it was asked.", examples=[LIMIT_DEFAULT]),
    ]
    offset: Annotated[
        Count | None,
        Field(
            description="Items before the page; null where it was not found by an offset.",
            examples=[50],
        ),
    ]
    has_next: Annotated[bool, Field(description="Items follow.", examples=[True])]
    has_previous: Annotated[bool, Field(description="Items precede.", examples=[True])]
    next_offset: Annotated[
        Count | None,
        Field(description="The `offset` of the next page, where there is one.", examples=[100]),
    ]
    previous_offset: Annotated[
        Count | None,
        Field(description="The `offset` of the page before, where there is one.", examples=[0]),
    ]


class SessionPagination(Pagination):
    """The same, with the cursors of the neighbouring pages."""

    next_cursor: Annotated[
        str | None,
        Field(
            description="The `cursor` of the next page, where there is one.",
            examples=[CURSOR_EXAMPLE],
        ),
    ]
    previous_cursor: Annotated[
        str | None,
        Field(
            description="The `cursor` of the page before, where there is one.",
            examples=[CURSOR_EXAMPLE],
        ),
    ]


class SessionPage(BaseModel):
    """A page of the caller's sessions."""

    items: Annotated[list[SessionResponse], Field(description="In the order asked for.")]
    pagination: SessionPagination


class MessagePage(BaseModel):
    """A page of a session's messages."""

    items: Annotated[list[MessageResponse], Field(description="In the order asked for.")]
    pagination: Pagination
