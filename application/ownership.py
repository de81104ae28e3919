from dataclasses import dataclass
from types import TracebackType
from uuid import UUID

from application.ports.sessions import SessionReader
from domain.errors import SessionForbidden, SessionNotFound


@dataclass(frozen=True, slots=True)
class Ownership:
    """The one rule of who may have a session: its owner.

    Repositories know a session only under its owner, so another's is not found there. Here, and
    only here, that becomes SessionForbidden, unless `hide_foreign` keeps even that to itself.
    """

    sessions: SessionReader
    hide_foreign: bool = False

    def access_to(self, session_id: UUID) -> "_Access":
        """Return what decides, around a session's use by `async with`, how one that was not found
        is refused."""
        return _Access(self, session_id)


@dataclass(frozen=True, slots=True)
class _Access:
    ownership: Ownership
    session_id: UUID

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not isinstance(error, SessionNotFound) or self.ownership.hide_foreign:
            return
        if await self.ownership.sessions.exists(self.session_id):
            raise SessionForbidden from None
