"""The connections of a server, and which of them keep it waiting."""

from typing import Protocol

from uvicorn.server import ServerState

from entrypoints.patience import Patience


class Client(Protocol):
    deadline: float
    held: int

    def check(self, now: float) -> None:
        """Give up a client that is past its deadline."""

    def drop(self) -> None:
        """Give it up at once."""


class Crowd(ServerState):
    """Where too much is open or held, whoever has kept the server waiting longest goes first:
    a client that does what is its turn to do stays served, however many others do not."""

    def __init__(self, patience: Patience) -> None:
        super().__init__()
        self.patience = patience
        self._held = 0
        self._waits: dict[Client, None] = {}  # in the order in which the waits began

    def wait_for(self, client: Client) -> None:
        self.forget(client)
        self._waits[client] = None

    def forget(self, client: Client) -> None:
        """It is the server's turn again, or the client is gone."""
        self._waits.pop(client, None)

    def check(self, now: float) -> None:
        for client in list(self._waits):
            client.check(now)

    def hold(self, client: Client, size: int) -> None:
        """What is kept in memory of this client from now on, in bytes."""
        self._held += size - client.held
        client.held = size
        while self._held > self.patience.held_bytes and self._dropped_other_than(client):
            pass

    def make_room(self, client: Client) -> bool:
        """Whether there is room for a client that has just connected."""
        return len(self.connections) <= self.patience.connections or self._dropped_other_than(
            client
        )

    def _dropped_other_than(self, client: Client) -> bool:
        longest = next((other for other in self._waits if other is not client), None)
        if longest is None:
            return False
        self.forget(longest)
        self.hold(longest, 0)
        longest.drop()
        return True
