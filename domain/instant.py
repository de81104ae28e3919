from datetime import UTC, datetime, timedelta

from domain.errors import InvalidValue

TICK = timedelta(microseconds=1)


def following(previous: datetime, now: datetime) -> datetime:
    """The clock's time, or one microsecond after `previous` where the clock is not past it."""
    return max(now, previous + TICK)


def in_utc(instant: datetime) -> datetime:
    """The same time in UTC. Raises InvalidValue for one without an offset from UTC."""
    if instant.utcoffset() is None:
        raise InvalidValue("must be a time with an offset from UTC")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise InvalidValue("must be a time of the years 1 to 9999 in UTC") from None
