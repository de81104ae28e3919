from dataclasses import dataclass

import structlog

_log = structlog.get_logger("chat_sessions")


@dataclass(frozen=True, slots=True, kw_only=True)
class LimiterLog:
    """Logs when requests can no longer be counted, and when they can be counted again."""

    fails_open: bool

    def __call__(self, reason: str | None) -> None:
        if reason:
            passes = "uncounted" if self.fails_open else "none"
            _log.warning("rate.limiter_unavailable", reason=reason, passes=passes)
        else:
            _log.info("rate.limiter_recovered")
