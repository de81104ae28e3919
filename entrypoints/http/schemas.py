"""The schemas of requests and responses. The domain's rules validate what clients send."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from domain.body import check_format
from domain.errors import InvalidValue, in_field
from domain.framework_item import message_from_item
from domain.message import BATCH_MAX, NewMessage, Role
from domain.metadata import EMPTY
from domain.page import LIMIT_DEFAULT, LIMIT_MAX
from domain.session import TITLE_MAX, UNSET, NewSession, SessionPatch
from entrypoints.http.schema_types import (
    CHANGED,
    CREATED,
    MESSAGE_ID,
    SESSION_ID,
    BodyInput,
    ContentInput,
    ExternalIdInput,
    FormatInput,
    Item,
    MetadataInput,
    MetadataOutput,
    MetadataPatch,
    NameInput,
    RoleInput,
    Timestamp,
    TimestampInput,
    TitleInput,
)

CURSOR = r"^[A-Za-z0-9_-]*$"
CURSOR_MAX = 100
CURSOR_EXAMPLE = "AQgABkde9ldPNwGiCr6YGXcoqkUkRpZtZrs"

AS_THEY_ARE, AS_ITEMS = "messages as they are", "items of a format"
"""What the two kinds of an append are told apart by within the service."""

Count = Annotated[int, Field(ge=0)]

Passed = Annotated[Any, Field(description="Passed over: it stays as it is.")]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Said(_Input):
    """What a message has that a replacement may change."""

    role: RoleInput
    content: ContentInput = None
    name: NameInput = None
    format: FormatInput = None
    body: BodyInput = None
    metadata: MetadataInput = EMPTY

    @model_validator(mode="after")
    def _check_something_is_said(self) -> "_Said":
        if self.content is None and self.body is None:
            raise InvalidValue("is required where there is no body", "content")
        return self


class MessageCreate(_Said):
    """A message to be stored. `content` or `body` must be there."""

    external_id: ExternalIdInput = None
    timestamp: Annotated[
        TimestampInput,
        Field(
            description="When it was said, if that was before now: an RFC 3339 time with any "
            "offset. It is kept as far as order allows: never before the message in front of it, "
            "never in the future.",
            examples=[CREATED],
        ),
    ] = None

    def to_domain(self) -> NewMessage:
        return NewMessage(
            self.role,
            self.content,
            self.metadata,
            self.name,
            self.external_id,
            self.format,
            self.body,
            self.timestamp,
        )


class MessageReplace(_Said):
    """What a message is to be. What cannot change is passed over, so that a message can be put as
    it was got."""

    id: Annotated[Passed, Field(examples=[MESSAGE_ID])] = None
    session_id: Annotated[Passed, Field(examples=[SESSION_ID])] = None
    message_order: Annotated[Passed, Field(examples=[1])] = None
    external_id: Annotated[Passed, Field(examples=["chat-42"])] = None
    timestamp: Annotated[Passed, Field(examples=[CREATED])] = None
    edited_at: Annotated[Passed, Field(examples=[CHANGED])] = None

    def to_domain(self) -> NewMessage:
        return NewMessage(
            self.role,
            self.content,
            self.metadata,
            self.name,
            format=self.format,
            body=self.body,
        )


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
    external_id: ExternalIdInput = None
    created_at: Annotated[
        TimestampInput,
        Field(
            description="When it was created, if that was before now: an RFC 3339 time with any "
            "offset, not in the future and not after the first message.",
            examples=[CREATED],
        ),
    ] = None

    def to_domain(self) -> NewSession:
        return NewSession(self.title, self.metadata, self.external_id, self.created_at)


class SessionUpdate(_Input):
    """A JSON merge patch (RFC 7396): null removes, what is absent stays. Send what changes and
    nothing else: null is not the same as absent here."""

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
    archived: Annotated[
        bool, Field(description="Whether it is put away. Null is refused.", examples=[True])
    ] = False
    pinned: Annotated[
        bool, Field(description="Whether it is kept in sight. Null is refused.", examples=[True])
    ] = False

    def to_domain(self) -> SessionPatch:
        given = self.model_fields_set
        return SessionPatch(
            title=self.title if "title" in given else UNSET,
            metadata=self.metadata if "metadata" in given else UNSET,
            archived=self.archived if "archived" in given else UNSET,
            pinned=self.pinned if "pinned" in given else UNSET,
        )


class MessagesAppend(_Input):
    """Messages to be stored, all or none, in the order given."""

    messages: Annotated[
        list[MessageCreate],
        Field(
            description="One to a hundred.",
            min_length=1,
            max_length=BATCH_MAX,
            examples=[[{"role": Role.USER, "content": "Where shall we stay?"}]],
        ),
    ]

    @model_validator(mode="before")
    @classmethod
    def _without_format(cls, given: Any) -> Any:  # noqa: ANN401 - JSON may hold anything
        """A format that is null is absent."""
        if isinstance(given, dict) and "format" in given:
            return {name: value for name, value in given.items() if name != "format"}
        return given

    def to_domain(self) -> list[NewMessage]:
        return [message.to_domain() for message in self.messages]


class ItemsAppend(_Input):
    """Messages as a framework or a model API has them, each to be stored whole, all or none, in the
    order given. Role, name and external id are read out of them."""

    format: Annotated[
        str,
        Field(
            description="A label of yours for their format: 1 to 64 of a-z, 0-9 and `._/+-`, the "
            "first a letter or a digit. The service never acts on it.",
            examples=["openai.chat"],
        ),
    ]
    messages: Annotated[
        list[Item],
        Field(
            description="One to a hundred objects, each the `body` of a message. The role is read "
            "out of `role`, `type`, `sender` or `author`, the name out of `name`, the external id "
            "out of `id`.",
            min_length=1,
            max_length=BATCH_MAX,
            examples=[[{"role": "user", "content": "Where shall we stay?"}]],
        ),
    ]

    def to_domain(self) -> list[NewMessage]:
        """Raises InvalidValue."""
        with in_field("format"):
            check_format(self.format)
        return [self._message(index, item) for index, item in enumerate(self.messages)]

    def _message(self, index: int, item: dict[str, Any]) -> NewMessage:
        try:
            return message_from_item(item, self.format)
        except InvalidValue as error:
            raise InvalidValue(error.detail, "messages", index) from None


def _kind(given: Any) -> str:  # noqa: ANN401 - JSON may hold anything
    has_format = isinstance(given, dict) and given.get("format") is not None
    return AS_ITEMS if has_format else AS_THEY_ARE


Append = Annotated[
    Annotated[MessagesAppend, Tag(AS_THEY_ARE)] | Annotated[ItemsAppend, Tag(AS_ITEMS)],
    Discriminator(_kind),
]

KINDS: dict[object, type[BaseModel]] = {AS_THEY_ARE: MessagesAppend, AS_ITEMS: ItemsAppend}


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
