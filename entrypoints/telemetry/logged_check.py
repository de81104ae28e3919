import structlog

from application.errors import Unavailable
from application.readiness import Check

_log = structlog.get_logger("chat_sessions")


class LoggedCheck:
    """Runs a part's readiness check, and logs when the part becomes unavailable, when the reason
    for that changes, and when the part is available again."""

    def __init__(self, part: str, check: Check) -> None:
        self._part = part
        self._check = check
        self._reason: str | None = None

    async def __call__(self) -> None:
        """Run the check. Raises what it raises."""
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
