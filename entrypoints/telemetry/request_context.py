"""What is known of the request at hand, for whoever answers it, logs it or counts a statement."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from starlette.requests import HTTPConnection

from domain.owner import Owner


@dataclass(slots=True, kw_only=True)
class RequestContext:
    """One request, from its head to its line in the log. It fills as the request goes on.

    `route` is the template of the path, `query` has each parameter once, `headers` are added to the
    response, `refusal` is the error that became the response, and `policy` names the rate limit
    that was exceeded.
    """

    request_id: str
    trace_id: str
    route: str | None = None
    operation: str | None = None
    caller: Owner | None = None
    session_id: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: dict[bytes, bytes] = field(default_factory=dict)
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
            "user_id": self.caller and self.caller.subject,
            "session_id": self.session_id,
            "request_id": self.request_id,
            "trace_id": self.trace_id,
        }


def request_context(connection: HTTPConnection) -> RequestContext:
    """The context that the access-log middleware gave to a request."""
    context: RequestContext = connection.scope["state"]["context"]
    return context


_current: ContextVar[RequestContext | None] = ContextVar("request_context", default=None)


def current() -> RequestContext | None:
    """The context of the request that this runs for, also in a thread to which it was carried."""
    return _current.get()


def note_standby() -> None:
    """The response to the request at hand rests on a standby."""
    context = _current.get()
    if context is not None:
        context.is_from_standby = True


def bind(context: RequestContext) -> Token[RequestContext | None]:
    """Make it the current one until the token is handed to `reset`."""
    return _current.set(context)


def reset(token: Token[RequestContext | None]) -> None:
    _current.reset(token)


@contextmanager
def bound(context: RequestContext) -> Iterator[None]:
    token = bind(context)
    try:
        yield
    finally:
        reset(token)
