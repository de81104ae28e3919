from datetime import datetime, timedelta

TICK = timedelta(microseconds=1)


def following(previous: datetime, now: datetime) -> datetime:
    """The clock's time, or one microsecond after `previous` where the clock is not past it."""
    return max(now, previous + TICK)
