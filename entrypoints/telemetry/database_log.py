"""Log whether the database can be reached."""

import structlog

_log = structlog.get_logger("chat_sessions")


def log_failover(away: str | None) -> None:
    """Log that the primary is down, and why, or that it is back."""
    if away:
        _log.warning("database.primary_away", reason=away)
    else:
        _log.info("database.primary_back")


def log_waiting(cause: str) -> None:
    """Log that the start waits for the database, each time the cause is a new one."""
    _log.warning("database.waiting", cause=cause)
