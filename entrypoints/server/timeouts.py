import resource
from dataclasses import dataclass

from entrypoints.settings import Settings

BUFFER_LIMIT = 10 * 1024 * 1024
"""Of all requests that are not whole and answers that are not taken, at most in memory."""

HELD_BODIES = 8
"""Where bodies may be larger than usual, it is as much as so many of them."""

OTHER_FILES = 128
"""That the process may open besides its connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTimeouts:
    """How long a client may keep the server waiting, in seconds, and how much all of them hold."""

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
    connections: int
    buffer_limit: int
    """Of requests that are not whole and answers that are not taken."""

    @classmethod
    def of(cls, settings: Settings) -> "ClientTimeouts":
        return cls(
            head=settings.client_head_seconds,
            body=settings.client_body_seconds,
            request=settings.client_request_seconds,
            idle=settings.client_idle_seconds,
            answer=settings.client_answer_seconds,
            connections=_connections(settings.client_connections),
            buffer_limit=max(BUFFER_LIMIT, HELD_BODIES * settings.max_body_bytes),
        )


def _connections(wanted: int) -> int:
    """As many of them as this process may have open, once it has asked for as many files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(1, soft - OTHER_FILES)
