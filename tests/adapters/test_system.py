"""What the machine gives."""

from datetime import UTC, datetime
from itertools import pairwise

from adapters.system import SystemClock, Uuid7Identifiers


def test_the_clock_is_the_machines_in_utc() -> None:
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC


def test_identifiers_are_uuids_of_version_7_that_rise() -> None:
    """The time leads them (RFC 9562 section 5.7), so an index on them grows at its end."""
    new = Uuid7Identifiers().new
    before = datetime.now(UTC).timestamp() * 1000
    made = [new() for _ in range(1000)]
    assert {(id_.version, id_.variant) for id_ in made} == {(7, "specified in RFC 4122")}
    assert all(earlier < later for earlier, later in pairwise(made))
    assert int(before) - 1 <= made[0].int >> 80 <= datetime.now(UTC).timestamp() * 1000
