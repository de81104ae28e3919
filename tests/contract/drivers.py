"""Ways to ask the service: through the use cases, and over HTTP."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from application.ports.messages import AppendTerms
from application.use_cases import UseCases
from domain.message import Message, MessageRef, NewMessage, Role
from domain.message_page import MessagePageRequest
from domain.owner import Owner
from domain.session import UNSET, SessionPatch, SessionRef
from domain.session_page import Cursor, SessionPageRequest
from tests.contract.model import Line, MessagePage, Said

SessionPage = tuple[list[str], int, bool, bool]
"""Titles, the total, has_next and has_previous."""


class Driver(Protocol):
    """The service as a caller named `who` finds it. What is refused is raised as the domain has
    it."""

    @abstractmethod
    async def create(
        self, who: str, title: str, lines: Sequence[Line], external_id: str | None = None
    ) -> UUID: ...
    @abstractmethod
    async def append(
        self,
        who: str,
        session: SessionRef,
        lines: Sequence[Line],
        key: str | None = None,
        *,
        keep: bool = False,
        create: bool = False,
    ) -> list[Said]: ...
    @abstractmethod
    async def get(self, who: str, session: SessionRef, message: MessageRef) -> Said: ...
    @abstractmethod
    async def put(
        self,
        who: str,
        session: SessionRef,
        message: MessageRef,
        content: str,
        *,
        append_only: bool = False,
    ) -> Said: ...
    @abstractmethod
    async def put_twice(
        self, who: str, session: SessionRef, message: MessageRef, content: str
    ) -> Said:
        """At the version that the message has, and then at that version again."""

    @abstractmethod
    async def remove(self, who: str, session: SessionRef, message: MessageRef) -> Said: ...
    @abstractmethod
    async def clear(self, who: str, session: SessionRef, before: int | None) -> None: ...
    @abstractmethod
    async def update(
        self,
        who: str,
        session: SessionRef,
        *,
        title: str | None = None,
        archived: bool | None = None,
    ) -> None: ...
    @abstractmethod
    async def delete(self, who: str, session: SessionRef) -> None: ...
    @abstractmethod
    async def sessions(self, who: str, asked: SessionPageRequest) -> SessionPage: ...
    @abstractmethod
    async def walk(self, who: str, asked: SessionPageRequest) -> list[str]:
        """All titles, by cursor."""

    @abstractmethod
    async def messages(
        self, who: str, session: SessionRef, asked: MessagePageRequest
    ) -> MessagePage: ...


@dataclass
class UseCaseDriver(Driver):
    do: UseCases
    owners: Callable[[str], Owner]

    async def create(
        self, who: str, title: str, lines: Sequence[Line], external_id: str | None = None
    ) -> UUID:
        created = await self.do.create_session(
            self.owners(who), title=title, external_id=external_id, messages=_new(lines)
        )
        return created.id

    async def append(
        self,
        who: str,
        session: SessionRef,
        lines: Sequence[Line],
        key: str | None = None,
        *,
        keep: bool = False,
        create: bool = False,
    ) -> list[Said]:
        terms = AppendTerms(keeps_existing=keep)
        placed = await self.do.append_messages.once(
            key, self.owners(who), session, _new(lines), terms, create=create
        )
        return [_said(message) for message in placed.value]

    async def get(self, who: str, session: SessionRef, message: MessageRef) -> Said:
        return _said(await self.do.get_message(self.owners(who), session, message))

    async def put(
        self,
        who: str,
        session: SessionRef,
        message: MessageRef,
        content: str,
        *,
        append_only: bool = False,
    ) -> Said:
        new = NewMessage(Role.USER, content)
        owner = self.owners(who)
        put = await self.do.put_message(owner, session, message, new, append_only=append_only)
        return _said(put.message)

    async def put_twice(
        self, who: str, session: SessionRef, message: MessageRef, content: str
    ) -> Said:
        owner, new = self.owners(who), NewMessage(Role.USER, content)
        found = await self.do.get_message(owner, session, message)
        at = [found.version]
        await self.do.put_message(owner, session, message, new, expected=at)
        put = await self.do.put_message(owner, session, message, new, expected=at)
        return _said(put.message)

    async def remove(self, who: str, session: SessionRef, message: MessageRef) -> Said:
        return _said(await self.do.remove_message(self.owners(who), session, message))

    async def clear(self, who: str, session: SessionRef, before: int | None) -> None:
        await self.do.clear_messages(self.owners(who), session, before=before)

    async def update(
        self,
        who: str,
        session: SessionRef,
        *,
        title: str | None = None,
        archived: bool | None = None,
    ) -> None:
        patch = SessionPatch(
            title=UNSET if title is None else title,
            archived=UNSET if archived is None else archived,
        )
        await self.do.update_session(self.owners(who), session, patch)

    async def delete(self, who: str, session: SessionRef) -> None:
        await self.do.delete_session(self.owners(who), session)

    async def sessions(self, who: str, asked: SessionPageRequest) -> SessionPage:
        page = await self.do.list_sessions(self.owners(who), asked)
        titles = [session.title or "" for session in page.items]
        return titles, page.total, page.has_next, page.has_previous

    async def walk(self, who: str, asked: SessionPageRequest) -> list[str]:
        titles = []
        following: Cursor | None = None
        while True:
            page = await self.do.list_sessions(self.owners(who), replace(asked, cursor=following))
            titles += [session.title or "" for session in page.items]
            _, following = asked.cursors(page)
            if following is None:
                return titles

    async def messages(
        self, who: str, session: SessionRef, asked: MessagePageRequest
    ) -> MessagePage:
        page = await self.do.get_messages(self.owners(who), session, asked)
        items = [_said(message) for message in page.items]
        return MessagePage(items, page.total, page.has_next, page.has_previous)


def _new(lines: Sequence[Line]) -> list[NewMessage]:
    return [NewMessage(Role.USER, line.content, external_id=line.external_id) for line in lines]


def _said(message: Message) -> Said:
    return Said(message.message_order, message.content, message.external_id)
