import structlog

from application.errors import Unavailable

_log = structlog.get_logger("chat_sessions")


class Drain:
    """Whether the service has been told to stop: it still serves, but wants no new clients."""

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
