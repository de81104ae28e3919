"""The schemas of requests' bodies. The domain's rules validate what clients send."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from application.removal import DELETED_AT_ONCE
from domain.body import check_format
from domain.errors import InvalidValue, SessionNotFound, in_field
from domain.framework_item import message_from_item
from domain.message import BATCH_MAX, NewMessage, Role
from domain.metadata import EMPTY
from domain.session import TITLE_MAX, UNSET, NewSession, SessionPatch, SessionRef
from entrypoints.http.references import session_ref
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
    MetadataPatch,
    NameInput,
    RoleInput,
    TimestampInput,
    TitleInput,
    instant_or_none,
)

AS_THEY_ARE, AS_ITEMS = "messages as they are", "items of a format"
"""What the two kinds of an append are told apart by within the service."""

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
    """What a message is to be. What cannot change is passed over, whatever it is, so that a message
    can be put as it was got."""

    id: Annotated[Passed, Field(examples=[MESSAGE_ID])] = None
    session_id: Annotated[Passed, Field(examples=[SESSION_ID])] = None
    message_order: Annotated[Passed, Field(examples=[1])] = None
    external_id: Annotated[Passed, Field(examples=["chat-42"])] = None
    timestamp: Annotated[
        Any,
        AfterValidator(instant_or_none),
        Field(
            description="When it was said, for a message that is appended, as far as order allows. "
            "Else passed over: it stays as it is.",
            examples=[CREATED],
        ),
    ] = None
    edited_at: Annotated[Passed, Field(examples=[CHANGED])] = None

    def to_domain(self) -> NewMessage:
        return NewMessage(
            self.role,
            self.content,
            self.metadata,
            self.name,
            format=self.format,
            body=self.body,
            timestamp=self.timestamp,
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


class SessionDeletions(_Input):
    """Which sessions go: either those of `session_ids`, or `all`."""

    session_ids: Annotated[
        list[str] | None,
        Field(
            description=f"1 to {DELETED_AT_ONCE} of them, each by its `id`, or by `ext:` and its "
            "`external_id`. Those that are not the caller's are passed over.",
            examples=[[SESSION_ID]],
        ),
    ] = None
    all: Annotated[
        bool | None,
        Field(description="With `true`, every session of the caller's.", examples=[False]),
    ] = None
    dry_run: Annotated[
        bool | None,
        Field(description="With `true`, nothing goes: it is counted alone.", examples=[True]),
    ] = None

    def refs(self) -> Sequence[SessionRef] | None:
        """Return what names sessions, or None for all of them. Raises InvalidValue."""
        if bool(self.all) == (self.session_ids is not None):
            raise InvalidValue("takes either session_ids or all as true", "session_ids")
        if self.session_ids is None:
            return None
        if not 1 <= len(self.session_ids) <= DELETED_AT_ONCE:
            raise InvalidValue(f"must name 1 to {DELETED_AT_ONCE} sessions", "session_ids")
        refs: list[SessionRef] = []
        for given in self.session_ids:
            with suppress(SessionNotFound):
                refs.append(session_ref(given))
        return refs


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
