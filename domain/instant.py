import re
from datetime import UTC, datetime, timedelta

from domain.errors import InvalidValue

TICK = timedelta(microseconds=1)


_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


def parse_instant(value: object) -> datetime:
    """Parse a time as RFC 3339 section 5.6 has it, with any offset, and return it in UTC. Raises
    InvalidValue."""
    if not isinstance(value, str):
        raise InvalidValue("must be a string")
    try:
        parsed = datetime.fromisoformat(value.upper()) if _RFC3339.fullmatch(value) else None
    except ValueError:
        parsed = None
    if parsed is None:
        raise InvalidValue("must be a time such as 2026-01-02T03:04:05.678901Z, with its offset")
    return in_utc(parsed)


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
