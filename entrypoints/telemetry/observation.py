"""What is known of the request at hand, for whoever writes a line or counts a statement."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any


@dataclass(slots=True, kw_only=True)
class Observation:
    """One request's. It fills as the request goes on; `route` is its path's template,
    `refusal` is what kept it from success, and
    `policy` the rate limit's that it was past."""

    request_id: str
    trace_id: str
    route: str | None = None
    operation: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    refusal: Exception | None = None
    policy: str | None = None
    db_queries: int = 0
    db_seconds: float = 0.0
    is_from_standby: bool = False
    began: float = field(default_factory=perf_counter)

    @property
    def ids(self) -> dict[str, Any]:
        """What every line of the request bears."""
        return {
            "user_id": self.user_id,
            "session_id": self.session_id,
            "request_id": self.request_id,
            "trace_id": self.trace_id,
        }


_current: ContextVar[Observation | None] = ContextVar("observation", default=None)


def current() -> Observation | None:
    """The request's that this runs for, also in a thread to which its context was carried."""
    return _current.get()


def note_standby() -> None:
    """The answer to the request at hand rests on a standby."""
    observation = _current.get()
    if observation is not None:
        observation.is_from_standby = True


def observe(observation: Observation) -> Token[Observation | None]:
    """Until what this gives is handed to `forget`."""
    return _current.set(observation)


def forget(token: Token[Observation | None]) -> None:
    _current.reset(token)


@contextmanager
def observing(observation: Observation) -> Iterator[None]:
    token = observe(observation)
    try:
        yield
    finally:
        forget(token)
