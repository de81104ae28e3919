from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Final, Literal
from uuid import UUID

from domain.errors import InvalidValue, VersionMismatch
from domain.instant import following
from domain.message import Message, NewMessage, in_sequence
from domain.metadata import EMPTY, Metadata, check_json
from domain.owner import Owner
from domain.strict_json import JsonValue
from domain.text import is_blank, storable

TITLE_MAX = 200
"""Characters (code points) of a title once trimmed."""


class Unset(Enum):
    """The value of a field that a patch leaves alone."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, slots=True)
class NewSession:
    """What a session is started with, beside its messages. Raises InvalidValue."""

    title: str | None = None
    metadata: Metadata = EMPTY

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", trimmed_title(self.title))


@dataclass(frozen=True, slots=True)
class SessionPatch:
    """A JSON merge patch (RFC 7396) of a session: None removes, UNSET leaves alone.

    Raises InvalidValue for a title or a value that no session could take.
    """

    title: str | Literal[Unset.UNSET] | None = UNSET
    metadata: Mapping[str, JsonValue] | Literal[Unset.UNSET] | None = UNSET

    def __post_init__(self) -> None:
        if self.title is not UNSET:
            object.__setattr__(self, "title", trimmed_title(self.title))
        if isinstance(self.metadata, Mapping):
            check_json(self.metadata)


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation of one owner.

    `last_updated` (UTC) strictly increases with every change and so is the session's version.
    After an append it equals the last message's timestamp.
    """

    id: UUID
    owner: Owner
    title: str | None
    metadata: Metadata
    created_at: datetime
    last_updated: datetime
    message_count: int

    @classmethod
    def started(cls, id_: UUID, owner: Owner, now: datetime, new: NewSession) -> "Session":
        """Return a new session with no messages."""
        return cls(
            id=id_,
            owner=owner,
            title=new.title,
            metadata=new.metadata,
            created_at=now,
            last_updated=now,
            message_count=0,
        )

    def appended(
        self, messages: Mapping[UUID, NewMessage], now: datetime
    ) -> tuple["Session", tuple[Message, ...]]:
        """The session after `messages`, given by the ids they get, and the messages in place."""
        if not messages:
            return self, ()
        placed = in_sequence(
            messages,
            session_id=self.id,
            after=self.message_count,
            at=following(self.last_updated, now),
        )
        count = self.message_count + len(placed)
        return replace(self, message_count=count, last_updated=placed[-1].timestamp), placed

    def check_version(self, expected: Collection[datetime] | None) -> "Session":
        """Return the session itself. Raises VersionMismatch unless `last_updated` is one of those
        expected; None expects nothing."""
        if expected is not None and self.last_updated not in expected:
            raise VersionMismatch
        return self

    def updated(self, patch: SessionPatch, now: datetime) -> "Session":
        """The session after `patch`: itself where that changes nothing. Raises InvalidValue."""
        changed = self
        if patch.title is not UNSET:
            changed = replace(changed, title=patch.title)
        if patch.metadata is not UNSET:
            changed = replace(changed, metadata=self._merged(patch.metadata))
        if changed == self:
            return self
        return replace(changed, last_updated=following(self.last_updated, now))

    def _merged(self, patch: Mapping[str, JsonValue] | None) -> Metadata:
        if patch is None:
            return EMPTY
        try:
            return self.metadata.merge(patch)
        except InvalidValue as error:
            raise InvalidValue(error.detail, "metadata") from None


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
