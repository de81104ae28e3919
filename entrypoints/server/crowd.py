"""The connections of a server, and which of them keep it waiting."""

from typing import Protocol

from uvicorn.server import ServerState

from entrypoints.server.patience import Patience

LATE_SECONDS = 1.0
"""Between two checks: twice what is meant."""


class Client(Protocol):
    deadline: float
    held: int

    def check(self, now: float) -> None:
        """Give up a client that is past its deadline."""

    def drop(self) -> None:
        """Give it up at once."""


class Crowd(ServerState):
    """Where too much is open or held, whoever has kept the server waiting longest goes first, of
    those that hold no less than the others where it is too much to hold: a client that does what
    is its turn to do stays served, however many others do not."""

    def __init__(self, patience: Patience) -> None:
        super().__init__()
        self.patience = patience
        self._held = 0
        self._checked, self._gave_grace = 0.0, False
        self._waits: dict[Client, None] = {}  # in the order in which the waits began

    def wait_for(self, client: Client) -> None:
        self.forget(client)
        self._waits[client] = None

    def forget(self, client: Client) -> None:
        """It is the server's turn again, or the client is gone."""
        self._waits.pop(client, None)

    def check(self, now: float) -> None:
        """Called often. Where the server itself was late, its clients have one check's grace."""
        grace = now - self._checked > LATE_SECONDS and not self._gave_grace
        self._checked, self._gave_grace = now, grace
        if not grace:
            for client in list(self._waits):
                client.check(now)

    def hold(self, client: Client, size: int) -> None:
        """What is kept in memory of this client from now on, in bytes."""
        self._held += size - client.held
        client.held = size
        while self._held > self.patience.held_bytes:
            holding = [one for one in self._waits if one.held and one is not client]
            if not holding:
                return
            share = sum(one.held for one in holding) / len(holding)
            self._drop(next(one for one in holding if one.held >= share))

    def make_room(self, client: Client) -> bool:
        """Whether there is room for a client that has just connected."""
        if len(self.connections) <= self.patience.connections:
            return True
        longest = next((one for one in self._waits if one is not client), None)
        if longest is not None:
            self._drop(longest)
        return longest is not None

    def _drop(self, client: Client) -> None:
        self.forget(client)
        self.hold(client, 0)
        client.drop()
