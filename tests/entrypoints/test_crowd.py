"""Who goes when the connections of a server hold too much."""

from dataclasses import replace

from entrypoints.server.crowd import Crowd
from entrypoints.server.patience import Patience
from entrypoints.settings import Settings


class Waiting:
    deadline = 0.0
    held = 0

    def __init__(self, crowd: Crowd, held: int) -> None:
        self.dropped = False
        crowd.wait_for(self)
        crowd.hold(self, held)

    def check(self, now: float) -> None: ...

    def drop(self) -> None:
        self.dropped = True


def test_of_those_that_hold_much_the_one_that_waits_longest_goes() -> None:
    """A small request, however early it came, does not go for large ones."""
    patience = Patience.of(Settings(database_url="memory://"))
    crowd = Crowd(replace(patience, held_bytes=1000))
    small, *large = [Waiting(crowd, held) for held in (10, 400, 500, 450, 30)]
    assert [one.dropped for one in (small, *large)] == [False, True, False, False, False]
    crowd.hold(small, 20)
    assert not large[1].dropped
    crowd.hold(small, 500)
    assert [one.dropped for one in (small, *large)] == [False, True, True, False, False]
