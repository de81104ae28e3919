"""Keep the context of the current request, for its route, the log and the statement observer."""

from asyncio import Timeout
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter
from typing import Any

from starlette.requests import HTTPConnection

from application.ports.authenticator import Actor
from domain.owner import Owner


@dataclass(slots=True, kw_only=True)
class RequestContext:
    """The context has what is known of a request, and is filled in while the request is served.

    `route` is the template of the path, `query` has each parameter once, `headers` are added to the
    response, `refusal` is the error that became the response, and `policy` names the rate limit
    that was exceeded. `expires_at` is when the token does, `timeout` ends the request, and `waited`
    is how many seconds it spent waiting for something to happen. `problem_form` writes an error of
    a path that has a form of its own for them.
    """

    request_id: str
    trace_id: str
    route: str | None = None
    operation: str | None = None
    caller: Owner | None = None
    actor: Actor | None = None
    expires_at: datetime | None = None
    session_id: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: dict[bytes, bytes] = field(default_factory=dict)
    refusal: Exception | None = None
    policy: str | None = None
    timeout: Timeout | None = None
    waited: float = 0.0
    problem_form: Callable[[Any, str], Any] | None = None
    db_queries: int = 0
    db_seconds: float = 0.0
    is_from_standby: bool = False
    began: float = field(default_factory=perf_counter)

    @property
    def people(self) -> dict[str, str]:
        """Who asks: the person that the token speaks for, and who acts for that person, by the word
        of which issuer."""
        if not self.caller:
            return {}
        person = {"user_id": self.caller.subject}
        if not self.actor:
            return person
        return {**person, "actor": self.actor.name, "actor_issuer": self.actor.issuer}

    @property
    def ids(self) -> dict[str, Any]:
        """The ids that every line of the request's log has."""
        people: dict[str, Any] = self.people or {"user_id": None}
        return people | {
            "session_id": self.session_id,
            "request_id": self.request_id,
            "trace_id": self.trace_id,
        }


def request_context(connection: HTTPConnection) -> RequestContext:
    """Return the context that the access-log middleware gave to a request."""
    context: RequestContext = connection.scope["state"]["context"]
    return context


_current: ContextVar[RequestContext | None] = ContextVar("request_context", default=None)


def current() -> RequestContext | None:
    """Return the current request's context, also in a thread to which it was copied."""
    return _current.get()


def note_standby() -> None:
    """Note that the current request is answered from a standby."""
    context = _current.get()
    if context is not None:
        context.is_from_standby = True


def bind(context: RequestContext) -> Token[RequestContext | None]:
    """Make the context the current one, until `reset` is called with the token."""
    return _current.set(context)


def reset(token: Token[RequestContext | None]) -> None:
    _current.reset(token)
