from collections.abc import Callable

import structlog

from application.errors import Unavailable

_log = structlog.get_logger("chat_sessions")


class Drain:
    """The drain knows whether the service is stopping. It still serves then, but is not ready, and
    what would go on for long ends."""

    def __init__(self) -> None:
        self.begun = False
        self._acts: list[Callable[[], None]] = []

    def when_begun(self, act: Callable[[], None]) -> None:
        """Have that called when the service stops, whether it drains or not."""
        self._acts.append(act)

    def begin(self) -> None:
        if not self.begun:
            self.begun = True
            _log.info("service.draining")
            self.skip()

    def skip(self) -> None:
        """End what would go on for long: the service stops without draining."""
        for act in self._acts:
            act()

    async def check(self) -> None:
        """Raise Unavailable once draining has begun."""
        if self.begun:
            raise Unavailable("the service is stopping")
