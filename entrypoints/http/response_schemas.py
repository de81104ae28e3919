"""The schemas of responses, for the description: `serializers` writes them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from domain.message import Role
from domain.page import LIMIT_DEFAULT, LIMIT_MAX
from domain.session import TITLE_MAX
from entrypoints.http.schema_types import (
    CHANGED,
    CREATED,
    CURSOR_EXAMPLE,
    MESSAGE_ID,
    SESSION_ID,
    MetadataOutput,
    Timestamp,
)

Count = Annotated[int, Field(ge=0)]


class SessionResponse(BaseModel):
    """A session, without its messages."""

    id: Annotated[str, Field(description="A UUIDv7.", examples=[SESSION_ID])]
    external_id: Annotated[
        str | None,
        Field(description="The client's own id, or null.", examples=["chat-42"]),
    ]
    user_id: Annotated[
        str, Field(description="Whose session it is: the token's `sub`.", examples=["alice"])
    ]
    title: Annotated[
        str | None,
        Field(description=f"1 to {TITLE_MAX} characters, or null.", examples=["Weekend in Lisbon"]),
    ]
    metadata: MetadataOutput
    archived: Annotated[bool, Field(description="Whether it was put away.", examples=[False])]
    pinned: Annotated[bool, Field(description="Whether it is kept in sight.", examples=[False])]
    created_at: Annotated[Timestamp, Field(description="When it was created.", examples=[CREATED])]
    last_updated: Annotated[
        Timestamp,
        Field(
            description="When it was created, or its title, its metadata or its messages changed "
            "last. It grows with every such change.",
            examples=[CHANGED],
        ),
    ]
    message_count: Annotated[Count, Field(description="How many messages it has.", examples=[2])]


class MessageResponse(BaseModel):
    """A stored message."""

    id: Annotated[str, Field(description="A UUIDv7.", examples=[MESSAGE_ID])]
    external_id: Annotated[
        str | None,
        Field(description="The client's own id, unique in the session, or null.", examples=["m-1"]),
    ]
    session_id: Annotated[str, Field(description="The session it is in.", examples=[SESSION_ID])]
    message_order: Annotated[
        int,
        Field(
            ge=1,
            description="1, 2, 3 ... within the session, never given twice.",
            examples=[1],
        ),
    ]
    role: Annotated[Role, Field(description="Who said it.", examples=[Role.USER])]
    name: Annotated[
        str | None,
        Field(
            description="Which of several agents or people said it, or null.", examples=["Planner"]
        ),
    ]
    content: Annotated[
        str,
        Field(
            description="The readable text: what was given, or was read out of the `body`; empty "
            "where there is none.",
            examples=["Where shall we stay?"],
        ),
    ]
    format: Annotated[
        str | None,
        Field(description="The client's label for the format.", examples=["openai.chat"]),
    ]
    body: Annotated[
        dict[str, Any] | None,
        Field(
            description="The object given, the message as a framework or a model API has it, or "
            "null.",
            examples=[{"role": "user", "content": "Where shall we stay?"}],
        ),
    ]
    metadata: MetadataOutput
    timestamp: Annotated[
        Timestamp,
        Field(
            description="When it was said. It grows with `message_order`.",
            examples=["2026-01-02T03:04:05.678902Z"],
        ),
    ]
    edited_at: Annotated[
        Timestamp | None,
        Field(description="When it was last replaced, or null.", examples=[CHANGED]),
    ]


class DeletionsResponse(BaseModel):
    """What went, or would go."""

    sessions: Annotated[Count, Field(description="How many sessions.", examples=[3])]
    messages: Annotated[Count, Field(description="How many messages were in them.", examples=[120])]
    dry_run: Annotated[bool, Field(description="Nothing went.", examples=[True])]


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


class FoundSession(BaseModel):
    """The session that a hit is in."""

    id: Annotated[str, Field(description="Its id.", examples=[SESSION_ID])]
    title: Annotated[
        str | None, Field(description="Its title, or null.", examples=["Trip to Lisbon"])
    ]


class FoundMessage(BaseModel):
    """The message that has what was looked for, or null where the title has it."""

    model_config = ConfigDict(json_schema_extra={"type": ["object", "null"]})

    message_order: Annotated[
        int, Field(ge=1, description="Its place, such as for `around`.", examples=[17])
    ]
    role: Annotated[Role, Field(description="Who spoke.", examples=[Role.ASSISTANT])]
    timestamp: Annotated[Timestamp, Field(description="When it was said.", examples=[CHANGED])]


class SnippetPart(BaseModel):
    """A piece of a text, as it stands there: any markup in it is text too."""

    text: Annotated[str, Field(description="As many characters as it has.", examples=["hotel"])]
    match: Annotated[bool, Field(description="It is what was looked for.", examples=[True])]


class SearchHit(BaseModel):
    """A message, or a session by its title."""

    session: FoundSession
    message: FoundMessage
    snippet: Annotated[
        list[SnippetPart],
        Field(description="The text around the first match, of the title or the content."),
    ]


class SearchPagination(SessionPagination):
    """Where the page is among the hits. It has no offsets, and no cursor leads back."""

    total: Annotated[  # type: ignore[assignment]
        Count | None, Field(description="Hits in all, null for more than 1,000.", examples=[12])
    ]


class SearchPageResponse(BaseModel):
    """A page of hits, the newest first."""

    items: Annotated[list[SearchHit], Field(description="The newest first.")]
    pagination: SearchPagination
