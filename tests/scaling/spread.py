"""How evenly people and what they say spread over shards by the owner's key.

`python -m tests.scaling.spread` places ten million people with ten billion messages. How much each
says is lognormal, and two cases bound how unequal that is: among the contributors of some 200
online communities the first tenth wrote 56% on average, and about 90% in the most unequal (M. Wu,
"The 90-9-1 Rule in Reality", community.khoros.com, 2010). Of a lognormal the first tenth has the
share Phi(sigma - z) with z the normal 0.9-quantile, which gives sigma.
"""

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from statistics import NormalDist

from domain.owner import Owner

PEOPLE = 10_000_000
MESSAGES_EACH = 1000
SHARDS = (4, 16, 64, 256)
MOST_SHARDS = max(SHARDS)
SHARE_OF_FIRST_TENTH = {"average": 0.5595, "most unequal": 0.90}
ONE_IN = 1000
"""Of all messages, what a giant has: one person who says far more than anyone."""

ISSUER = "https://login.example"
SEED = 1

HEAD = """\
| community | shards | people | messages | hottest shard holds | with a giant | at the worst |
|---|---|---|---|---|---|---|"""


def shards_of(issuer: str, subjects: Iterator[int]) -> Iterator[int]:
    """Which of the 256 each `Owner(issuer, str(subject))` falls to: its key's last byte. An
    engine's own hash of the key spreads as well, since the key is a hash already."""
    name = issuer.encode()
    begun = sha256(len(name).to_bytes(8, "big") + name)
    for subject in subjects:
        hashed = begun.copy()
        hashed.update(b"%d" % subject)
        yield hashed.digest()[15]


def shard_of(owner: Owner) -> int:
    return owner.key.int % MOST_SHARDS


def sigma_of(share_of_first_tenth: float) -> float:
    normal = NormalDist()
    return normal.inv_cdf(share_of_first_tenth) + normal.inv_cdf(0.9)


def amounts(sigma: float, seed: int = SEED) -> Iterator[int]:
    """What people say: one message at least, MESSAGES_EACH on average."""
    middle = math.log(MESSAGES_EACH - 0.5) - sigma**2 / 2
    draw = random.Random(seed).lognormvariate  # noqa: S311 - not a secret
    while True:
        yield 1 + int(draw(middle, sigma))


@dataclass(frozen=True, slots=True)
class Spread:
    """Messages by shard."""

    loads: Sequence[int]
    most: int
    """What the person has who says most."""

    @property
    def imbalance(self) -> float:
        """The hottest shard's over the mean."""
        return max(self.loads) * len(self.loads) / sum(self.loads)

    def over(self, shards: int) -> "Spread":
        """The same over fewer shards, a divisor of those that it has."""
        return Spread([sum(self.loads[at::shards]) for at in range(shards)], self.most)

    def joined_by(self, messages: int, shard: int) -> "Spread":
        loads = list(self.loads)
        loads[shard % len(loads)] += messages
        return Spread(loads, max(self.most, messages))


def spread(places: Sequence[int], draw: Iterator[int]) -> Spread:
    loads, most = [0] * MOST_SHARDS, 0
    for place, amount in zip(places, islice(draw, len(places)), strict=True):
        loads[place] += amount
        most = max(most, amount)
    return Spread(loads, most)


def table(places: Sequence[int], say: Callable[[str], None]) -> None:
    everyone = Spread([places.count(at) for at in range(MOST_SHARDS)], 1)
    giant = shard_of(Owner(ISSUER, "giant"))
    say(HEAD)
    for community, share in SHARE_OF_FIRST_TENTH.items():
        said = spread(places, amounts(sigma_of(share)))
        total = sum(said.loads)
        for shards in SHARDS:
            people, loads = everyone.over(shards), said.over(shards)
            hottest = loads.loads.index(max(loads.loads))
            fallen, worst = (loads.joined_by(total // (ONE_IN - 1), at) for at in (giant, hottest))
            say(
                f"| {community} | {shards} | {people.imbalance:.4f} | {loads.imbalance:.3f} "
                f"| {max(loads.loads):,} | {fallen.imbalance:.3f} | {worst.imbalance:.3f} |"
            )
        say(f"  {community}: {total:,} messages, {said.most:,} of them one person's")


def main() -> None:
    began = time.monotonic()
    print(f"{PEOPLE:,} people; of each shard's share the greatest over the mean:")
    table(bytes(shards_of(ISSUER, iter(range(PEOPLE)))), print)
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
