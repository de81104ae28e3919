"""How long a client may take, and how much all of them may take up."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTimeouts:
    """How long a client may keep the server waiting, in seconds."""

    head: float
    """From the connection, or a later request's first byte, to the end of the head."""
    body: float
    """For a next piece of the body."""
    request: float
    """For the whole of a request, without the time that the service takes for itself."""
    idle: float
    """Between two requests."""
    answer: float
    """For a next piece of the answer to be taken."""
    linger: float
    """For all that a client still sends after an error response that ends the connection."""
    silence: float
    """For a next piece of that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """How much all clients together may take up."""

    connections: int
    buffered_bytes: int
    """Of requests that are not whole and answers that are not taken."""
    head_bytes: int
    """Of one request's head."""
