from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from typing import Final, Literal, NamedTuple
from uuid import UUID

from domain.body import Body, check_format
from domain.errors import ExternalIdTaken, InvalidValue, VersionMismatch, in_field
from domain.external_id import ExternalId, check_external_id
from domain.instant import TICK, in_utc
from domain.metadata import EMPTY, Metadata
from domain.text import is_blank, storable

CONTENT_MAX = 300_000
"""Characters (code points) of a message's content."""

NAME_MAX = 255
"""Characters of the name of who spoke."""

BATCH_MAX = 100
"""Messages stored by one append, all or none."""

ROW_SIZE = 512
"""Bytes that stand for what a message has beside its texts."""


class Role(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    DEVELOPER = "developer"
    TOOL = "tool"


class Last(Enum):
    """The message with the highest order."""

    LAST = "last"


LAST: Final = Last.LAST

MessageRef = int | ExternalId | Literal[Last.LAST]
"""What names a message within its session: its order, its external id, or that it is the last."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """What was said, before it has a place in a session. Raises InvalidValue.

    A role's name does for the role. Without `content` it is what a person can read of the `body`,
    as far as content may go. `edited_at` is when it was replaced last, of one that is moved in.
    """

    role: Role
    content: str | None = None
    metadata: Metadata = EMPTY
    name: str | None = None
    external_id: str | None = None
    format: str | None = None
    body: Body | None = None
    timestamp: datetime | None = None
    edited_at: datetime | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.role, Role):
            object.__setattr__(self, "role", _role_named(self.role))
        if self.content is not None:
            check_content(self.content)
        elif self.body is None:
            raise InvalidValue("is required where there is no body", "content")
        else:
            object.__setattr__(self, "content", self.body.text[:CONTENT_MAX])
        check_external_id(self.external_id)
        if self.name is not None:
            with in_field("name"):
                check_name(self.name)
        if self.format is not None:
            with in_field("format"):
                check_format(self.format)
        for field, instant in (("timestamp", self.timestamp), ("edited_at", self.edited_at)):
            if instant is not None:
                with in_field(field):
                    object.__setattr__(self, field, in_utc(instant))

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return _size(self.content or "", self.metadata, self.body)


class Message(NamedTuple):
    """A stored message. `message_order` counts 1, 2, 3 ... within its session and is never given
    twice; `timestamp` (UTC) strictly increases with it. `edited_at` is None until the message is
    replaced."""

    id: UUID
    external_id: str | None
    session_id: UUID
    message_order: int
    role: Role
    name: str | None
    content: str
    format: str | None
    body: Body | None
    metadata: Metadata
    timestamp: datetime
    edited_at: datetime | None

    @property
    def version(self) -> datetime:
        """When it became as it is, later for each replacement."""
        return self.edited_at or self.timestamp

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return _size(self.content, self.metadata, self.body)

    def check_version(self, expected: Collection[datetime] | None) -> "Message":
        """Return the message itself. Raises VersionMismatch unless its version is one of those
        expected; None expects nothing."""
        if expected is not None and self.version not in expected:
            raise VersionMismatch
        return self

    def replaced(self, new: NewMessage, at: datetime) -> "Message":
        """The message after `new` took its place: its ids, order and timestamp stay."""
        return self._replace(
            role=new.role,
            name=new.name,
            content=new.content or "",
            format=new.format,
            body=new.body,
            metadata=new.metadata,
            edited_at=at,
        )


def _size(content: str, metadata: Metadata, body: Body | None) -> int:
    return ROW_SIZE + len(content.encode()) + metadata.size + (body.size if body else 0)


def _role_named(name: str) -> Role:
    try:
        return Role(name)
    except ValueError:
        raise InvalidValue(f"must be one of {', '.join(Role)}", "role") from None


def check_name(name: str) -> str:
    """Return the name of who spoke, of 1-255 storable characters, as people write their names: with
    joined emoji and joiners between letters, which an external id may not have. Raises
    InvalidValue, also for one that shows nothing."""
    if not 1 <= len(storable(name)) <= NAME_MAX or is_blank(name):
        raise InvalidValue(f"must have 1 to {NAME_MAX} characters, not all of them blank")
    return name


def check_content(content: str) -> str:
    """Return `content` if it is storable and has at most 300,000 characters."""
    if len(storable(content)) > CONTENT_MAX:
        raise InvalidValue(f"must have at most {CONTENT_MAX} characters", "content")
    return content


def check_batch(messages: Sequence[NewMessage], *, least: int) -> None:
    """Raise InvalidValue unless there are `least` to 100 messages, whose external ids differ."""
    if not least <= len(messages) <= BATCH_MAX:
        raise InvalidValue(f"must have {least} to {BATCH_MAX} items", "messages")
    seen = set()
    for index, message in enumerate(messages):
        if message.external_id in seen:
            detail = "is the external id of another message here"
            raise InvalidValue(detail, "messages", index, "external_id")
        if message.external_id is not None:
            seen.add(message.external_id)


def check_bodies(messages: Sequence[NewMessage], size_max: int) -> None:
    """Raise InvalidValue for a body of more than `size_max` bytes as compact UTF-8 JSON."""
    for index, message in enumerate(messages):
        if message.body is not None:
            with in_field("messages", index):
                check_body(message.body, size_max)


def check_body(body: Body | None, size_max: int) -> None:
    """Raise InvalidValue for a body that has more than `size_max` bytes as compact UTF-8 JSON."""
    if body is not None and body.size > size_max:
        raise InvalidValue(f"must not exceed {size_max} bytes as compact JSON", "body")


def in_sequence(
    messages: Mapping[UUID, NewMessage],
    *,
    session_id: UUID,
    after: int,
    since: datetime | None,
    now: datetime,
) -> tuple[Message, ...]:
    """Give messages, by the ids they get, the orders that follow `after`.

    Each is said at its own timestamp, else `now`: never after `now`, and at least a microsecond
    after the one before it, the first after `since`, if there is such a time. It was replaced no
    earlier than that and never after `now`, if it was.
    """
    placed = []
    for id_, message in messages.items():
        at = now if message.timestamp is None else min(message.timestamp, now)
        if since is not None and at <= since:
            at = since + TICK
        since = at
        after += 1
        edited_at = message.edited_at and max(at, min(message.edited_at, now))
        placed.append(
            Message(
                id_,
                message.external_id,
                session_id,
                after,
                message.role,
                message.name,
                message.content or "",
                message.format,
                message.body,
                message.metadata,
                at,
                edited_at,
            )
        )
    return tuple(placed)


def without_existing(
    messages: Mapping[UUID, NewMessage], existing: Mapping[str, Message], *, keep: bool
) -> Mapping[UUID, NewMessage]:
    """The messages but for those whose external ids exist already, if these are kept. Else raises
    ExternalIdTaken."""
    new = {}
    for index, (id_, message) in enumerate(messages.items()):
        there = existing.get(message.external_id) if message.external_id else None
        if there is None:
            new[id_] = message
        elif not keep:
            raise ExternalIdTaken(message_order=there.message_order, index=index)
    return new


def as_stored(
    messages: Mapping[UUID, NewMessage],
    placed: Sequence[Message],
    existing: Mapping[str, Message],
) -> tuple[Message, ...]:
    """Each of the messages as it is stored: from those placed now, or those that existed."""
    if len(placed) == len(messages):
        return tuple(placed)
    new = {message.id: message for message in placed}
    return tuple(
        new[id_] if id_ in new else existing[message.external_id or ""]
        for id_, message in messages.items()
    )
