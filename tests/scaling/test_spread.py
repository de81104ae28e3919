"""The simulation of `tests.scaling.spread` at a small size."""

from itertools import islice

import pytest

from domain.owner import Owner
from tests.scaling import spread as simulation
from tests.scaling.spread import ISSUER, MOST_SHARDS, SHARDS, Spread, amounts, shards_of, spread

PEOPLE = 20_000
CHI_SQUARE_LIMIT = 330.5
"""The 0.999-quantile of chi-square with 255 degrees of freedom."""


@pytest.fixture(scope="module")
def places() -> bytes:
    return bytes(shards_of(ISSUER, iter(range(PEOPLE))))


@pytest.fixture(scope="module")
def said(places: bytes) -> Spread:
    return spread(places, amounts(2.0))


def test_people_fall_where_their_owner_key_says(places: bytes) -> None:
    found = [simulation.shard_of(Owner(ISSUER, str(number))) for number in range(500)]
    assert found == list(places[:500])


def test_the_key_is_uniform_over_shards(places: bytes) -> None:
    mean = PEOPLE / MOST_SHARDS
    chi_square = sum((places.count(at) - mean) ** 2 / mean for at in range(MOST_SHARDS))
    assert chi_square < CHI_SQUARE_LIMIT


@pytest.mark.parametrize("shards", SHARDS)
def test_nobody_and_nothing_is_lost_on_the_way(said: Spread, shards: int) -> None:
    loads = said.over(shards).loads
    assert len(loads) == shards
    assert sum(loads) == sum(islice(amounts(2.0), PEOPLE))


def test_a_giant_weighs_on_one_shard_alone(said: Spread) -> None:
    more = said.joined_by(1000, 3)
    assert [after - before for after, before in zip(more.loads, said.loads, strict=True)] == [
        1000 if at == 3 else 0 for at in range(MOST_SHARDS)
    ]


def test_the_imbalance_is_the_hottest_over_the_mean() -> None:
    assert Spread([1, 2, 3, 2], 1).imbalance == 1.5
    assert Spread([1, 2, 3, 2], 1).over(2).imbalance == 1


@pytest.mark.parametrize(("community", "tolerance"), [("average", 0.02), ("most unequal", 0.08)])
def test_the_first_tenth_says_the_share_that_was_found(community: str, tolerance: float) -> None:
    share = simulation.SHARE_OF_FIRST_TENTH[community]
    drawn = sorted(islice(amounts(simulation.sigma_of(share)), 100_000), reverse=True)
    assert sum(drawn[:10_000]) / sum(drawn) == pytest.approx(share, abs=tolerance)


def test_people_say_a_thousand_messages_on_average() -> None:
    drawn = list(islice(amounts(1.43), 100_000))
    assert min(drawn) >= 1
    assert sum(drawn) / len(drawn) == pytest.approx(simulation.MESSAGES_EACH, rel=0.05)
