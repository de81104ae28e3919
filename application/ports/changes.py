from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.owner import Owner
from domain.session import Session, Version

SessionKey = tuple[Owner, UUID]
"""A session's owner and its id."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A message of that order was replaced at that time, and is there; or was `removed`."""

    message_order: int
    at: datetime
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of a session: what it is now, the lowest order of its messages (or else the next
    to be given), and its edits in their order. A removal below the lowest order may be left out."""

    session: Session
    first_order: int
    edits: Sequence[Edit]


class ChangeReader(Protocol):
    """Tells those who follow sessions what has changed. Each method may raise Unavailable.

    Another owner's session is no session at all.
    """

    @abstractmethod
    async def versions(self, sessions: Collection[SessionKey]) -> Mapping[SessionKey, Version]:
        """The versions of those of the sessions that are there, each as it was at some moment of
        the look. It costs one look-up by key for each session, all of them in one statement where
        that is a round trip."""

    @abstractmethod
    async def since(self, owner: Owner, session_id: UUID, at: datetime) -> Changes:
        """What was edited after that time, of one snapshot. It costs what the edits since and the
        removals from the session's midst do, whatever its length. Raises SessionNotFound."""
