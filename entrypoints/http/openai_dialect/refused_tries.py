"""Tries that were refused before anything was done, so that what follows each is no repetition.

OpenAI's clients send a request again that was refused because of a rate limit, and say of it no
more than of one whose answer was lost.
"""

from collections import OrderedDict
from datetime import datetime, timedelta

from starlette.requests import Request

from entrypoints.telemetry.request_context import request_context

KEPT = timedelta(seconds=75)
"""How long one is remembered: clients wait a minute at most before they try again."""

REMEMBERED_MAX = 10_000

_RETRIES = "x-stainless-retry-count"


class RefusedTries:
    """The tries that this process has refused of late, as far as no other try has followed them.

    The body of a request is not read before it is refused, so tries are known by who asks for what
    and by their length.
    """

    def __init__(self) -> None:
        self._refused: OrderedDict[int, dict[int, tuple[int, datetime]]] = OrderedDict()

    def note(self, request: Request, now: datetime) -> None:
        """Note that a request is refused, if all its tries before this one were."""
        count = retry_count(request)
        if count and not self.precede(request, now):
            return
        key = _likeness(request)
        by_number = self._refused.pop(key, {})
        tries, _ = by_number.get(count, (0, now))
        by_number[count] = (tries + 1, now)
        self._refused[key] = by_number
        if len(self._refused) > REMEMBERED_MAX:
            self._refused.popitem(last=False)

    def precede(self, request: Request, now: datetime) -> bool:
        """Whether all earlier tries of a retry were refused. The last of them is then forgotten,
        since one try follows it."""
        number = retry_count(request) - 1
        by_number = self._refused.get(_likeness(request), {})
        tries, latest = by_number.pop(number, (0, now))
        if not tries or now - latest > KEPT:
            return False
        if tries > 1:
            by_number[number] = (tries - 1, latest)
        return True

    def forget(self, request: Request) -> None:
        """Forget all tries that look like a first one that gets through: a retry that comes now may
        be of that one."""
        self._refused.pop(_likeness(request), None)


def retry_count(request: Request) -> int:
    """How often the request has been sent before, as OpenAI's clients say it."""
    count = request.headers.get(_RETRIES, "0")
    return int(count[:9]) if count.isascii() and count.isdecimal() else 0


def _likeness(request: Request) -> int:
    length = request.headers.get("content-length")
    caller = request_context(request).caller
    return hash((caller, request.method, request.scope["path"], length))
