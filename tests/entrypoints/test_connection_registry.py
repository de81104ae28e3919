"""Who goes when the connections of a server hold too much."""

from dataclasses import replace

from entrypoints.server.registry import ConnectionRegistry
from entrypoints.server.timeouts import ClientTimeouts
from entrypoints.settings import Settings


class Waiting:
    deadline = 0.0
    buffered = 0

    def __init__(self, registry: ConnectionRegistry, buffered: int) -> None:
        self.aborted = False
        registry.add_waiting(self)
        registry.set_buffered(self, buffered)

    def check_timeout(self, now: float) -> None: ...

    def abort(self) -> None:
        self.aborted = True


def test_of_those_that_hold_much_the_one_that_waits_longest_goes() -> None:
    """A small request, however early it came, does not go for large ones."""
    timeouts = ClientTimeouts.of(Settings(database_url="memory://"))
    registry = ConnectionRegistry(replace(timeouts, buffer_limit=1000))
    small, *large = [Waiting(registry, buffered) for buffered in (10, 400, 500, 450, 30)]
    assert [one.aborted for one in (small, *large)] == [False, True, False, False, False]
    registry.set_buffered(small, 20)
    assert not large[1].aborted
    registry.set_buffered(small, 500)
    assert [one.aborted for one in (small, *large)] == [False, True, True, False, False]
