"""The connections of a server, and which of them keep it waiting."""

from typing import Protocol

from uvicorn.server import ServerState

from entrypoints.server.limits import ClientTimeouts, ConnectionLimits

LATE_CHECK_TIMEOUT = 1.0
"""Between two checks: twice what is meant."""


class Client(Protocol):
    deadline: float
    buffered: int

    def check_timeout(self, now: float) -> None:
        """Give up a client that is past its deadline."""

    def abort(self) -> None:
        """Give it up at once."""


class ConnectionRegistry(ServerState):
    """Where too much is open or held, whoever has kept the server waiting longest goes first, of
    those that hold no less than the others where it is too much to hold: a client that does what is
    its turn to do stays served, however many others do not."""

    def __init__(self, timeouts: ClientTimeouts, limits: ConnectionLimits) -> None:
        super().__init__()
        self.timeouts = timeouts
        self.limits = limits
        self._buffered = 0
        self._checked, self._gave_grace = 0.0, False
        self._waits: dict[Client, None] = {}  # in the order in which the waits began

    def add_waiting(self, client: Client) -> None:
        self.remove_waiting(client)
        self._waits[client] = None

    def remove_waiting(self, client: Client) -> None:
        """It is the server's turn again, or the client is gone."""
        self._waits.pop(client, None)

    def check_timeouts(self, now: float) -> None:
        """Called often. Where the server itself was late, its clients have one check's grace."""
        grace = now - self._checked > LATE_CHECK_TIMEOUT and not self._gave_grace
        self._checked, self._gave_grace = now, grace
        if not grace:
            for client in list(self._waits):
                client.check_timeout(now)

    def set_buffered(self, client: Client, size: int) -> None:
        """What is kept in memory of this client from now on, in bytes."""
        self._buffered += size - client.buffered
        client.buffered = size
        while self._buffered > self.limits.buffered_bytes:
            buffering = [one for one in self._waits if one.buffered and one is not client]
            if not buffering:
                return
            share = sum(one.buffered for one in buffering) / len(buffering)
            self._evict(next(one for one in buffering if one.buffered >= share))

    def admit(self, client: Client) -> bool:
        """Whether there is room for a client that has just connected."""
        if len(self.connections) <= self.limits.connections:
            return True
        longest = next((one for one in self._waits if one is not client), None)
        if longest is not None:
            self._evict(longest)
        return longest is not None

    def _evict(self, client: Client) -> None:
        self.remove_waiting(client)
        self.set_buffered(client, 0)
        client.abort()
