import structlog

from application.errors import Unavailable
from application.readiness import Check

_log = structlog.get_logger("chat_sessions")


class LoggedCheck:
    """A part's check. The log has a line with the reason when the part cannot be had, another when
    the reason changes, and one when it can be had again."""

    def __init__(self, part: str, check: Check) -> None:
        self._part = part
        self._check = check
        self._reason: str | None = None

    async def __call__(self) -> None:
        """Raises what the check raises."""
        try:
            await self._check()
        except Unavailable as error:
            self._note(str(error))
            raise
        self._note(None)

    def _note(self, reason: str | None) -> None:
        if reason == self._reason:
            return
        self._reason = reason
        if reason is None:
            _log.info(f"{self._part}.available")
        else:
            _log.warning(f"{self._part}.unavailable", reason=reason)
