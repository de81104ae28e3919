import structlog

from application.errors import Unavailable

_log = structlog.get_logger("chat_sessions")


class Drain:
    """The drain knows whether the service is stopping. It still serves then, but is not ready."""

    def __init__(self) -> None:
        self.begun = False

    def begin(self) -> None:
        if not self.begun:
            self.begun = True
            _log.info("service.draining")

    async def check(self) -> None:
        """Raise Unavailable once draining has begun."""
        if self.begun:
            raise Unavailable("the service is stopping")
