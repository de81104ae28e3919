"""How a request becomes an answer: attempts, pauses and tokens. No I/O is done here."""

import random
import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from inspect import iscoroutine
from urllib.parse import urlsplit

import httpx2

from chat_sessions_client.errors import (
    ABSENT,
    ChatSessionsError,
    ConnectionLost,
    NotFound,
    UnexpectedAnswer,
    problem_error,
)
from chat_sessions_client.operations import Operation
from chat_sessions_client.version import VERSION

USER_AGENT = f"chat-sessions-client/{VERSION} {httpx2.__name__}/{httpx2.__version__}"

TIMEOUT = httpx2.Timeout(30, connect=5)
"""The seconds to connect, and to wait for each piece of an answer."""

_PASSING = frozenset({408, 429, 502, 503, 504})
"""The statuses after which another attempt may succeed."""

_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_OF_THE_CALLER = (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError)
_REFUSALS = frozenset({408, 429})
"""Those of them that say that nothing was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often, and after how many seconds, an operation is tried again.

    The pause doubles from `first_pause` up to `longest_pause`, and up to a half of it is left out
    at random, so that clients do not come back together: about 12 seconds in all, which outlasts a
    restart of the service. A `Retry-After` of up to `longest_retry_after` takes its place; at a
    longer one the client gives up.
    """

    attempts: int = 7
    first_pause: float = 0.25
    longest_pause: float = 8.0
    longest_retry_after: float = 60.0

    def pause(self, attempts: int, retry_after: float | None = None) -> float | None:
        """The pause after so many attempts; None if there is to be no other."""
        if attempts >= self.attempts or (retry_after or 0) > self.longest_retry_after:
            return None
        usual = min(self.longest_pause, self.first_pause * 2.0 ** min(attempts - 1, 30))
        spread = usual * random.uniform(0.5, 1)  # noqa: S311 - it guards nothing
        return spread if retry_after is None else retry_after + spread - usual / 2


@dataclass(frozen=True, slots=True)
class Attempt:
    """Send the request, with a token asked for anew, and say what came."""


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


Step = Attempt | Pause
Outcome = httpx2.Response | httpx2.RequestError | None
"""The response, whose content is read unless the operation is streamed and went well."""

Exchange = Generator[Step, Outcome, httpx2.Response]


def exchange(operation: Operation[object], retries: Retries, *, token_is_renewed: bool) -> Exchange:
    """Yield what is to be done, and return the answer.

    Raises ConnectionLost or a ProblemError once no attempt is left.
    """
    can_renew = token_is_renewed
    may_be_done = False
    attempt = 0
    while True:
        outcome = yield Attempt()
        if isinstance(outcome, httpx2.Response) and outcome.is_success:
            return outcome
        if can_renew and _status(outcome) == HTTPStatus.UNAUTHORIZED:
            can_renew = False
            continue
        attempt += 1
        error = _error(outcome)
        if may_be_done and operation.is_removal:
            if isinstance(error, ABSENT):
                return httpx2.Response(HTTPStatus.NO_CONTENT)
            if type(error) is NotFound and isinstance(outcome, httpx2.Response):
                raise _elsewhere(outcome)
        pause = retries.pause(attempt, getattr(error, "retry_after", None))
        if pause is None or not _may_repeat(operation, outcome):
            raise error
        may_be_done |= _may_be_done(outcome)
        yield Pause(pause)


def _error(outcome: Outcome) -> ChatSessionsError:
    if isinstance(outcome, httpx2.Response):
        if outcome.status_code < HTTPStatus.BAD_REQUEST:
            return _elsewhere(outcome)
        return problem_error(outcome)
    error = ConnectionLost(f"{type(outcome).__name__}: {outcome}")
    error.__cause__ = outcome
    return error


def _elsewhere(response: httpx2.Response) -> UnexpectedAnswer:
    where = response.headers.get("Location")
    told = f"{response.status_code}, {where}" if where else str(response.status_code)
    return UnexpectedAnswer(f"{response.request.url.path} was answered by {told}")


def _may_repeat(operation: Operation[object], outcome: Outcome) -> bool:
    if isinstance(outcome, httpx2.Response):
        may_pass = outcome.status_code in _PASSING
    else:
        may_pass = not isinstance(outcome, _OF_THE_CALLER)
    return may_pass and (operation.again == "always" or not _may_be_done(outcome))


def _may_be_done(outcome: Outcome) -> bool:
    if isinstance(outcome, httpx2.Response):
        return outcome.status_code not in _REFUSALS
    return not isinstance(outcome, _NOT_SENT)


def _status(outcome: Outcome) -> int | None:
    return outcome.status_code if isinstance(outcome, httpx2.Response) else None


@dataclass(frozen=True, slots=True)
class Settings:
    url: str
    timeout: httpx2.Timeout
    retries: Retries

    def request(
        self, operation: Operation[object], token: str, headers: Mapping[str, str]
    ) -> httpx2.Request:
        """The request of an attempt. The caller's headers do not replace the operation's.

        Raises TypeError or ValueError where the token or a header is none.
        """
        timeout = self.timeout.as_dict()
        if timeout["read"] is not None:
            timeout["read"] += operation.quiet_seconds
        _check_headers(headers)
        own = {
            "User-Agent": USER_AGENT,
            "Authorization": f"Bearer {_checked_token(token)}",
            **operation.headers,
        }
        _check_headers(own)
        sent = _without(_DEFAULTS, headers) | _without(headers, own) | own
        return httpx2.Request(
            operation.method,
            self.url + operation.target,
            headers=sent,
            content=operation.content,
            extensions={"timeout": timeout},
        )


def as_timeout(timeout: float | httpx2.Timeout) -> httpx2.Timeout:
    """A number is for everything but to connect, which takes five seconds at most."""
    if isinstance(timeout, httpx2.Timeout):
        return timeout
    return httpx2.Timeout(timeout, connect=min(timeout, 5))


def settings(url: str, timeout: float | httpx2.Timeout | None, retries: Retries | None) -> Settings:
    """Raises TypeError or ValueError where the URL is none that a service can have."""
    _check_url(url)
    given = TIMEOUT if timeout is None else as_timeout(timeout)
    return Settings(url.rstrip("/"), given, retries or Retries())


def _check_url(url: object) -> None:
    if not isinstance(url, str):
        raise TypeError(f"the URL is no text, but {type(url).__name__}")
    try:
        read = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise ValueError(f"the URL is none: {error}") from None
    if "@" in urlsplit(url).netloc:
        raise ValueError("the URL is not to have a user or a password: a token says who asks")
    host, port = read.raw_host.decode("ascii", "replace"), read.port
    is_host = ":" in host or (len(host) <= _HOST_MAX and _HOST.fullmatch(host))
    is_service = read.scheme in {"http", "https"} and not {"?", "#"} & {*url}
    if not (is_service and is_host and (port is None or 0 < port < _PORTS)):
        raise ValueError(f"{url!r} is no URL of a service, such as https://chat.example.com")


def _checked_token(token: object) -> str:
    """Nothing of a token is told: it is secret."""
    if iscoroutine(token):
        token.close()
        raise TypeError("an asynchronous function for the token is for AsyncClient")
    if not isinstance(token, str):
        raise TypeError(f"the token is no text, but {type(token).__name__}")
    if not _TOKEN.fullmatch(token):
        raise ValueError("the token is empty, or has characters that no token has, as a line end")
    return token


def _without(headers: Mapping[str, str], others: Mapping[str, str]) -> dict[str, str]:
    """Those headers that are not among the others, in any case."""
    names = {name.lower() for name in others}
    return {name: value for name, value in headers.items() if name.lower() not in names}


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            raise ValueError(f"the header {name!r} has characters that a header cannot have")
        if name.lower() in _OF_THE_FRAME:
            raise ValueError(f"the header {name!r} says where a request ends: it is httpx2's")


_DEFAULTS = {"Accept": "application/json, application/problem+json"}
_OF_THE_FRAME = frozenset({"content-length", "transfer-encoding"})
_PORTS = 2**16
_HOST_MAX = 254
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_TOKEN = re.compile(r"[!-~]+")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"(?:[!-~](?:[\t -~]*[!-~])?)?")
