from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from application.kept_session import KeptSession
from application.ports.clock import Clock
from application.ports.identifiers import Identifiers
from application.ports.messages import AppendTerms, MessageRepository
from application.ports.sessions import SessionRepository
from domain.errors import ExternalIdTaken, MessageNotFound, SessionNotFound, VersionMismatch
from domain.message import LAST, NewMessage
from domain.message_page import MessagePageRequest
from domain.owner import Owner
from domain.page import LIMIT_MAX
from domain.session import NewSession, Session
from domain.transfer import (
    Fault,
    Imported,
    LeftOut,
    Losses,
    Outcome,
    Part,
    Restart,
    SessionStart,
)

ACT_MESSAGES = 10_000
ACT_BYTES = 16 * 1024 * 1024
"""What is stored at once, at most: a session that has more takes several acts."""

KEEP = AppendTerms(keeps_existing=True)


@dataclass(frozen=True, slots=True)
class ImportSessions:
    sessions: SessionRepository
    messages: MessageRepository
    identifiers: Identifiers
    clock: Clock
    body_size_max: int

    async def __call__(
        self, caller: Owner, parts: AsyncIterable[Part], *, dry_run: bool = False
    ) -> AsyncIterator[Imported]:
        """Store conversations as sessions of the caller's, each as one act with all its messages,
        and say what became of each. Of what has more than ACT_MESSAGES or ACT_BYTES, the acts after
        the first append.

        A session that is there already is kept as it is. Where it ends with a message that the
        conversation has, those that follow there are appended, so that what was interrupted, or has
        grown, is completed by another import. A dry run stores nothing.
        """
        current: _Conversation | None = None
        async for part in parts:
            begins = isinstance(part, SessionStart) or (
                isinstance(part, Fault) and (part.begins or current is None or current.is_whole)
            )
            if begins and current is not None:
                yield await current.end()
            if isinstance(part, Restart):
                if current is not None:
                    await current.take_back()
                current = None
            elif isinstance(part, SessionStart):
                current = _Conversation(self, caller, part, dry_run=dry_run)
                with current.refusing():
                    await current.begin()
            elif begins or current is None:
                current = _refused(self, caller, part)
            else:
                with current.refusing():
                    await current.take(part)
        if current is not None:
            yield await current.end()


@dataclass(slots=True)
class _Conversation:
    to: ImportSessions
    caller: Owner
    start: SessionStart
    dry_run: bool = False
    refused: bool = False
    losses: Losses = field(default_factory=Losses)
    taken: int = 0
    stored: int = 0
    session_id: UUID | None = None
    kept: KeptSession | None = None
    pending: list[NewMessage] = field(default_factory=list)
    size: int = 0
    seen: set[str] = field(default_factory=set)
    said_at: datetime | None = None
    edited_at: datetime | None = None
    is_in_acts: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it is known to have all of its messages."""
        return self.start.message_count == self.taken

    async def begin(self) -> None:
        self.said_at = self.start.new.created_at
        found = await self._found()
        if found is not None:
            await self._keep(found)

    async def take(self, part: Part) -> None:
        match part:
            case LeftOut():
                self.losses.add(part)
            case Fault():
                self._refuse(LeftOut(part.reason, line=part.line))
            case NewMessage() if not self.refused:
                self.taken += 1
                await self._take(part)

    async def end(self) -> Imported:
        expected = self.start.message_count or 0
        if not self.refused and self.taken < expected:
            self._refuse(LeftOut(f"it has {self.taken} of {expected} messages: it was cut off"))
        with self.refusing():
            if not self.refused:
                await self._store()
                await self._set_last_change()
                await self._count_others()
        outcome = Outcome.REFUSED if self.refused else Outcome.CREATED
        if self.kept and not self.refused:
            outcome = Outcome.KEPT
        return Imported(
            external_id=self.start.external_id,
            session_id=self.session_id,
            outcome=outcome,
            messages=self.stored,
            left_out=tuple(self.losses.by_reason.values()),
        )

    async def take_back(self) -> None:
        """Remove what is stored of a conversation that does not count."""
        if self.session_id is not None and self.kept is None:
            with suppress(SessionNotFound):
                await self.to.sessions.remove(self.caller, self.session_id)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Refuse the conversation, and go on, where somebody removes its session meanwhile."""
        try:
            yield
        except (SessionNotFound, MessageNotFound):
            self._refuse(LeftOut("its session was deleted, or emptied, meanwhile"))

    def _refuse(self, why: LeftOut) -> None:
        if not self.refused:
            self.refused = True
            self.losses = Losses()
            self.losses.add(why)
            self.pending.clear()

    async def _found(self) -> UUID | None:
        """The id of the session, if it is there: by its external id, or as itself."""
        exported_id, name = self.start.exported_id, self.start.new.external_id
        known = self.start.external_id
        if known is None:
            return None
        with suppress(SessionNotFound):
            return await self.to.sessions.find(self.caller, known)
        if name is None and exported_id is not None:
            with suppress(SessionNotFound, ValueError):
                return (await self.to.sessions.get(self.caller, UUID(exported_id))).id
        return None

    async def _keep(self, session_id: UUID) -> None:
        self.session_id = session_id
        last = None
        with suppress(MessageNotFound):
            last = await self.to.messages.get(self.caller, session_id, LAST)
        session = await self.to.sessions.get(self.caller, session_id)
        self.kept = KeptSession(last, session.message_count)

    async def _take(self, message: NewMessage) -> None:
        if self.kept and not self.kept.is_followed_by(message):
            return
        if message.external_id is not None:
            if message.external_id in self.seen:
                why = f"message {self.taken} has the external id of another message"
                self._refuse(LeftOut(why))
                return
            self.seen.add(message.external_id)
        message = self._storable(message)
        if message.edited_at is not None:
            self.edited_at = max(message.edited_at, self.edited_at or message.edited_at)
        self.pending.append(message)
        self.size += message.size
        if len(self.pending) >= ACT_MESSAGES or self.size >= ACT_BYTES:
            await self._store()

    def _storable(self, message: NewMessage) -> NewMessage:
        """The message without a body that is too large."""
        if message.body is None or message.body.size <= self.to.body_size_max:
            return message
        self.losses.add(LeftOut(f"bodies of more than {self.to.body_size_max} bytes"))
        return replace(message, body=None, format=None)

    async def _store(self) -> None:
        """Store what is pending, in one act."""
        if self.dry_run:
            self.stored += len(self.pending)
        elif self.session_id is None:
            await self._create()
        elif self.pending:
            await self._append(self.session_id)
        self._forget_pending()

    def _forget_pending(self) -> None:
        self.pending, self.size, self.seen = [], 0, set()

    async def _create(self) -> None:
        now = self.to.clock.now()
        batch = self._batch(now)
        new = _started_with(self.start, self.pending, now)
        started, placed = Session.started(self.to.identifiers.new(), self.caller, now, new, batch)
        try:
            await self.to.sessions.add(started, placed)
        except ExternalIdTaken as error:  # by a rival, after this looked
            if error.session_id is None:
                raise
            await self._keep(error.session_id)
            messages = self.pending
            self._forget_pending()
            for message in messages:
                await self._take(message)
            if self.pending:
                await self._append(error.session_id)
        else:
            self.session_id = started.id
            self.stored += len(placed)

    async def _append(self, session_id: UUID) -> None:
        now = self.to.clock.now()
        batch = self._batch(now)
        stored = await self.to.messages.append(self.caller, session_id, batch, now, None, KEEP)
        if isinstance(stored, tuple):
            new = len(batch.keys() & {message.id for message in stored})
            self.stored += new
            if new < len(batch):
                why = "messages whose external ids are there already"
                self.losses.add(LeftOut(why, count=len(batch) - new))
        self.is_in_acts = self.kept is None

    def _batch(self, now: datetime) -> dict[UUID, NewMessage]:
        """What is pending, by the ids that it gets, each with a time if any has one."""
        times = (message.timestamp for message in self.pending if message.timestamp)
        at = self.said_at or next(times, None)
        dated = []
        for message in self.pending:
            at = message.timestamp or at
            dated.append(message if message.timestamp == at else replace(message, timestamp=at))
        self.pending = dated
        self.said_at = at and min(at, now)
        return {self.to.identifiers.new(): message for message in dated}

    async def _set_last_change(self) -> None:
        """Take back the time at which a session that took several acts was stored: it was changed
        last when it says so."""
        if not self.is_in_acts or self.session_id is None:
            return
        written = await self.to.sessions.get(self.caller, self.session_id)
        last = await self.to.messages.get(self.caller, self.session_id, LAST)
        said = (self.start.new.last_updated, self.edited_at, last.timestamp)
        changed_at = max(instant for instant in said if instant is not None)
        if written.message_count != self.stored or changed_at >= written.last_updated:
            return
        with suppress(VersionMismatch, SessionNotFound):
            await self.to.sessions.update(
                self.caller,
                written.id,
                lambda found: found.check_version([written.version])._replace(
                    last_updated=changed_at, revision=found.revision + 1
                ),
            )

    async def _count_others(self) -> None:
        """Say what the conversation has and the kept session has not."""
        if self.kept is None or self.kept.is_joined or self.session_id is None:
            return
        names, after = self.kept.names, 0
        while names:
            asked = MessagePageRequest(after=after, limit=LIMIT_MAX, with_bodies=False)
            page = await self.to.messages.page(self.caller, self.session_id, asked)
            names -= {one.external_id for one in page.items if one.external_id}
            if not page.has_next or not page.items:
                break
            after = page.items[-1].message_order
        unnamed = self.kept.unnamed - self.kept.count
        count = len(names) or max(unnamed, 0)
        self.losses.add(LeftOut("messages that do not follow those of the session there", count))


def _refused(to: ImportSessions, caller: Owner, part: Part) -> _Conversation:
    """What is not acceptable before any conversation has begun, or after one has ended."""
    fault = part if isinstance(part, Fault) else Fault("a message comes before any session")
    start = SessionStart(NewSession(external_id=fault.external_id))
    refused = _Conversation(to, caller, start, refused=True)
    refused.losses.add(LeftOut(fault.reason, line=fault.line))
    return refused


def _started_with(start: SessionStart, messages: Sequence[NewMessage], now: datetime) -> NewSession:
    """What the session is started with: created no later than its first message."""
    created_at = start.new.created_at
    first = messages[0].timestamp if messages else None
    if created_at is not None:
        created_at = min(created_at, now, first or now)
    return replace(start.new, external_id=start.external_id, created_at=created_at)
