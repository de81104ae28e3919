"""Keep track of a server's connections, and of which ones keep it waiting."""

from typing import Protocol

from uvicorn.server import ServerState

from entrypoints.server.limits import ClientTimeouts, ConnectionLimits

LATE_CHECK_TIMEOUT = 1.0
"""A check that is so many seconds after the one before it is late; half that is normal."""


class Client(Protocol):
    deadline: float
    buffered: int

    def check_timeout(self, now: float) -> None:
        """End the connection if it is past its deadline."""

    def abort(self) -> None:
        """End the connection at once."""


class ConnectionRegistry(ServerState):
    """The registry evicts the client that has kept the server waiting longest, if too many
    connections are open or too much memory is held.

    To free memory it evicts only clients that hold at least the average. So a client that does its
    part is served, however many others do not.
    """

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
        """Note that the server does not wait for the client any more, or that it is gone."""
        self._waits.pop(client, None)

    def check_timeouts(self, now: float) -> None:
        """End the connections past their deadlines, but spare all once if the server was late."""
        grace = now - self._checked > LATE_CHECK_TIMEOUT and not self._gave_grace
        self._checked, self._gave_grace = now, grace
        if not grace:
            for client in list(self._waits):
                client.check_timeout(now)

    def set_buffered(self, client: Client, size: int) -> None:
        """Note how many bytes are in memory for the client from now on."""
        self._buffered += size - client.buffered
        client.buffered = size
        while self._buffered > self.limits.buffered_bytes:
            buffering = [one for one in self._waits if one.buffered and one is not client]
            if not buffering:
                return
            share = sum(one.buffered for one in buffering) / len(buffering)
            self._evict(next(one for one in buffering if one.buffered >= share))

    def admit(self, client: Client) -> bool:
        """Return whether there is room for a new client, after an eviction if need be."""
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
