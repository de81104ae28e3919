from application.errors import Unavailable
from application.readiness import CheckReadiness, Readiness


async def here() -> None:
    pass


async def away() -> None:
    raise Unavailable("somewhere")


async def test_every_part_that_is_away_is_named() -> None:
    check = CheckReadiness({"database": away, "keys": here, "service": away}, {})
    assert await check() == Readiness(("database", "service"))
    assert await CheckReadiness({"keys": here}, {})() == Readiness()


async def test_a_standby_leaves_reads() -> None:
    """But for what it does not stand by."""
    for database, standby, keys, expected in (
        (here, here, here, Readiness()),
        (here, away, here, Readiness()),
        (away, here, here, Readiness(is_read_only=True)),
        (away, away, here, Readiness(("database",))),
        (away, here, away, Readiness(("keys",))),
        (here, here, away, Readiness(("keys",))),
    ):
        check = CheckReadiness({"database": database, "keys": keys}, {"database": standby})
        assert await check() == expected
