"""Conversations on their way out of the service, and into it."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from domain.message import NewMessage
from domain.session import NewSession


@dataclass(frozen=True, slots=True)
class Discarded:
    """What has been exported of this session was changed meanwhile and does not count. It follows
    anew, if it is there still."""

    session_id: UUID


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something of a conversation that is not stored, and why. `count` is how many of them there
    are, `line` where the first is, if it is in a file of lines. `reason` repeats nothing of it."""

    reason: str
    count: int = 1
    line: int | None = None


@dataclass(frozen=True, slots=True)
class SessionStart:
    """A conversation begins: what follows, up to the next one, is of this session.

    `exported_id` is the id that the service had given it where it comes from, `message_count` how
    many messages must follow, where that is known.
    """

    new: NewSession
    exported_id: str | None = None
    message_count: int | None = None

    @property
    def external_id(self) -> str | None:
        """What it is known by after an import, so that another import finds it."""
        return self.new.external_id or self.exported_id


@dataclass(frozen=True, slots=True)
class Fault:
    """What follows is not acceptable, up to the next beginning of a conversation, and neither is
    the conversation that it is in the midst of, unless it `begins` another."""

    reason: str
    line: int | None = None
    begins: bool = False
    external_id: str | None = None


class Restart:
    """The conversation so far does not count: it follows anew."""


Part = SessionStart | NewMessage | LeftOut | Fault | Restart
"""What an import is made of, in the order in which it comes."""


class Outcome(StrEnum):
    CREATED = "created"
    KEPT = "kept"
    REFUSED = "refused"


@dataclass(slots=True)
class Losses:
    """What is left out of one conversation, one entry a reason."""

    by_reason: dict[str, LeftOut] = field(default_factory=dict)

    def add(self, lost: LeftOut) -> None:
        if lost.count < 1:
            return
        known = self.by_reason.get(lost.reason)
        count = lost.count + (known.count if known else 0)
        self.by_reason[lost.reason] = LeftOut(
            lost.reason, count, known.line if known else lost.line
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of one conversation. `messages` are those that this import has stored."""

    external_id: str | None
    session_id: UUID | None
    outcome: Outcome
    messages: int = 0
    left_out: tuple[LeftOut, ...] = ()
