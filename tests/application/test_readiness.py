from application.errors import Unavailable
from application.readiness import CheckReadiness


async def here() -> None:
    pass


async def away() -> None:
    raise Unavailable("somewhere")


async def test_every_part_that_is_away_is_named() -> None:
    check = CheckReadiness({"database": away, "keys": here, "service": away})
    assert await check() == ("database", "service")
    assert await CheckReadiness({"keys": here})() == ()
