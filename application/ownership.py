from dataclasses import dataclass
from types import TracebackType
from uuid import UUID

from application.ports.sessions import SessionReader
from domain.errors import SessionForbidden, SessionNotFound
from domain.external_id import ExternalId
from domain.owner import Owner
from domain.session import SessionRef


@dataclass(frozen=True, slots=True)
class Ownership:
    """The one rule of who may have a session: its owner.

    Repositories know a session only under its owner, so another's is not found there. Here, and
    only here, that becomes SessionForbidden, unless `hide_foreign` keeps even that to itself.
    """

    sessions: SessionReader
    hide_foreign: bool = False

    def access_to(self, caller: Owner, session: SessionRef) -> "_Access":
        """Return what, around a session's use by `async with`, finds its id and decides how one
        that was not found is refused."""
        return _Access(self, caller, session)


@dataclass(frozen=True, slots=True)
class _Access:
    ownership: Ownership
    caller: Owner
    session: SessionRef

    async def __aenter__(self) -> UUID:
        if isinstance(self.session, ExternalId):
            return await self.ownership.sessions.find(self.caller, self.session.value)
        return self.session

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not isinstance(error, SessionNotFound) or self.ownership.hide_foreign:
            return
        if isinstance(self.session, ExternalId):  # unique among the caller's own, and so nobody's
            return
        if await self.ownership.sessions.exists(self.session):
            raise SessionForbidden from None
