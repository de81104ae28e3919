"""Several applications as clients see them behind a balancer: each request goes to the next."""

from collections.abc import Callable, Sequence
from itertools import cycle

import httpx2
from starlette.types import ASGIApp

from application.ports.storage import Storage

BESIDE: list[Callable[[], Storage]] = []
"""What the applications beside the first one keep the same data in. A plugin adds to it."""


class ByTurns(httpx2.AsyncBaseTransport):
    def __init__(self, apps: Sequence[ASGIApp]) -> None:
        self._next = cycle([httpx2.ASGITransport(app) for app in apps])

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await next(self._next).handle_async_request(request)
