from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Final, Literal, NamedTuple
from uuid import UUID

from domain.errors import InvalidValue, VersionMismatch, in_field
from domain.external_id import ExternalId, check_external_id
from domain.instant import following, in_utc
from domain.message import Message, NewMessage, in_sequence
from domain.metadata import EMPTY, Metadata, check_json
from domain.owner import Owner
from domain.strict_json import JsonValue
from domain.text import is_blank, storable

TITLE_MAX = 200
"""Characters (code points) of a title once trimmed."""


SessionRef = UUID | ExternalId
"""What names a session of its owner's: its id or its external id."""

NO_MESSAGES: Mapping[UUID, NewMessage] = MappingProxyType({})


class Unset(Enum):
    """The value of a field that a patch leaves alone."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


class Version(NamedTuple):
    """What a session is at: later for every change, also where `last_updated` stays."""

    last_updated: datetime
    revision: int = 0


@dataclass(frozen=True, slots=True)
class NewSession:
    """What a session is started with, beside its messages. Raises InvalidValue.

    `created_at`, and what follows it, are for a conversation that is older than the service.
    """

    title: str | None = None
    metadata: Metadata = EMPTY
    external_id: str | None = None
    created_at: datetime | None = None
    last_updated: datetime | None = None
    archived: bool = False
    pinned: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", trimmed_title(self.title))
        check_external_id(self.external_id)
        for field, instant in (
            ("created_at", self.created_at),
            ("last_updated", self.last_updated),
        ):
            if instant is not None:
                with in_field(field):
                    object.__setattr__(self, field, in_utc(instant))


@dataclass(frozen=True, slots=True)
class SessionPatch:
    """A JSON merge patch (RFC 7396) of a session: None removes, UNSET leaves alone.

    Raises InvalidValue for a title or a value that no session could take.
    """

    title: str | Literal[Unset.UNSET] | None = UNSET
    metadata: Mapping[str, JsonValue] | Literal[Unset.UNSET] | None = UNSET
    archived: bool | Literal[Unset.UNSET] = UNSET
    pinned: bool | Literal[Unset.UNSET] = UNSET

    def __post_init__(self) -> None:
        if self.title is not UNSET:
            object.__setattr__(self, "title", trimmed_title(self.title))
        if isinstance(self.metadata, Mapping):
            check_json(self.metadata)


class Session(NamedTuple):
    """One conversation of one owner.

    `last_updated` (UTC) strictly increases with every change but to `archived` and `pinned`, which
    raise `revision`. After an append it equals the last message's timestamp, or is later.
    `last_order` is the highest message_order ever given, `removed_count` how many of those
    messages were removed.
    """

    id: UUID
    owner: Owner
    external_id: str | None
    title: str | None
    metadata: Metadata
    archived: bool
    pinned: bool
    created_at: datetime
    last_updated: datetime
    revision: int
    last_order: int
    removed_count: int

    @classmethod
    def started(
        cls,
        id_: UUID,
        owner: Owner,
        now: datetime,
        new: NewSession,
        messages: Mapping[UUID, NewMessage] = NO_MESSAGES,
    ) -> "tuple[Session, tuple[Message, ...]]":
        """Return a new session, and its first messages, given by the ids they get.

        It was created at the time given or, without one, `now` or when its first message was said,
        if that is earlier, and changed last with its last message or, where that is given, later,
        but not after `now`. Raises InvalidValue for a creation in the future or after the first
        message.
        """
        created_at = _creation_time(new, messages, now)
        is_dated = any(message.timestamp for message in messages.values())
        placed = in_sequence(
            messages,
            session_id=id_,
            after=0,
            since=None if is_dated else created_at,
            now=now,
        )
        changed_at = placed[-1].timestamp if placed else created_at
        edits = (message.edited_at for message in placed if message.edited_at)
        changed_at = max(changed_at, min(new.last_updated or changed_at, now), *edits)
        session = cls(
            id=id_,
            owner=owner,
            external_id=new.external_id,
            title=new.title,
            metadata=new.metadata,
            archived=new.archived,
            pinned=new.pinned,
            created_at=created_at,
            last_updated=changed_at,
            revision=0,
            last_order=len(placed),
            removed_count=0,
        )
        return session, placed

    @property
    def message_count(self) -> int:
        return self.last_order - self.removed_count

    @property
    def version(self) -> Version:
        return Version(self.last_updated, self.revision)

    def appended(
        self, messages: Mapping[UUID, NewMessage], now: datetime, last: datetime | None = None
    ) -> tuple["Session", tuple[Message, ...]]:
        """The session after `messages`, given by the ids they get, and the messages in place.

        `last` is the timestamp of its last message, which counts where a message brings a
        timestamp of its own.
        """
        if not messages:
            return self, ()
        is_dated = any(message.timestamp for message in messages.values())
        placed = in_sequence(
            messages,
            session_id=self.id,
            after=self.last_order,
            since=last if is_dated else self.last_updated,
            now=now,
        )
        changed_at = placed[-1].timestamp
        if is_dated:
            changed_at = max(changed_at, following(self.last_updated, now))
        last_order = self.last_order + len(placed)
        return self._replace(last_order=last_order, last_updated=changed_at), placed

    def changed(self, now: datetime, *, removed: int = 0) -> "Session":
        """The session after a message was replaced or messages were removed."""
        return self._replace(
            removed_count=self.removed_count + removed,
            last_updated=following(self.last_updated, now),
        )

    def check_version(self, expected: Collection[Version] | None) -> "Session":
        """Return the session itself. Raises VersionMismatch unless its version is one of those
        expected; None expects nothing."""
        if expected is not None and self.version not in expected:
            raise VersionMismatch
        return self

    def updated(self, patch: SessionPatch, now: datetime) -> "Session":
        """The session after `patch`: itself where that changes nothing. Raises InvalidValue."""
        changed = self
        if patch.title is not UNSET:
            changed = changed._replace(title=patch.title)
        if patch.metadata is not UNSET:
            changed = changed._replace(metadata=self._merged(patch.metadata))
        if changed == self:
            changed = self
        else:
            changed = changed._replace(last_updated=following(self.last_updated, now))
        archived = self.archived if patch.archived is UNSET else patch.archived
        pinned = self.pinned if patch.pinned is UNSET else patch.pinned
        if (archived, pinned) == (self.archived, self.pinned):
            return changed
        return changed._replace(archived=archived, pinned=pinned, revision=self.revision + 1)

    def _merged(self, patch: Mapping[str, JsonValue] | None) -> Metadata:
        if patch is None:
            return EMPTY
        with in_field("metadata"):
            return self.metadata.merge(patch)


def _creation_time(new: NewSession, messages: Mapping[UUID, NewMessage], now: datetime) -> datetime:
    first = next(iter(messages.values()), None)
    first_said = first.timestamp if first else None
    if new.created_at is None:
        return now if first_said is None else min(first_said, now)
    if new.created_at > now:
        raise InvalidValue("must not be in the future", "created_at")
    if first_said is not None and new.created_at > first_said:
        raise InvalidValue("must not be after the first message", "created_at")
    return new.created_at


def trimmed_title(title: str | None) -> str | None:
    """Return the title without space at its ends; InvalidValue unless 1-200 characters are left."""
    if title is None:
        return None
    trimmed = storable(title).strip()
    if is_blank(trimmed) or len(trimmed) > TITLE_MAX:
        raise InvalidValue(
            f"must have 1 to {TITLE_MAX} characters after trimming, not all of them blank", "title"
        )
    return trimmed
