"""Define how long a client may take, and how much memory all clients may take up."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTimeouts:
    """The timeouts limit how long a client may keep the server waiting, in seconds."""

    head: float
    """The time from the connection, or a later request's first byte, to the end of the head."""
    body: float
    """The time until the next piece of the body."""
    request: float
    """The time until the whole request is there, without that which the service itself takes."""
    idle: float
    """The time between two requests."""
    answer: float
    """The time until the client reads the next piece of the response."""
    linger: float
    """How long a client may go on sending after an error response that ends the connection."""
    silence: float
    """The time until the next piece of that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """The limits hold for all clients together."""

    connections: int
    buffered_bytes: int
    """The most bytes of incomplete requests and unread responses."""
    head_bytes: int
    """The most bytes of one request's head."""
