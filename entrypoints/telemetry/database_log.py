import structlog

_log = structlog.get_logger("chat_sessions")


def log_failover(away: str | None) -> None:
    """A line with the reason when the primary is found away, and one when it is back."""
    if away:
        _log.warning("database.primary_away", reason=away)
    else:
        _log.info("database.primary_back")


def log_waiting(cause: str) -> None:
    """A line when the start waits for the database, and one whenever the cause is another."""
    _log.warning("database.waiting", cause=cause)
