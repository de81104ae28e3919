"""Notice when whoever waits for a response is not there any more, or may not have it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.requests import Request
from starlette.types import Receive

from application.followers import EndReason, Follower
from entrypoints.http.context import app_context
from entrypoints.telemetry.request_context import request_context

END_OF_INPUT = "end_of_input"
"""The key, in a scope's extensions, of a function that takes one to call when the client has ended
its side of the connection. The service's own server has it."""


def _left() -> EndReason:
    return EndReason.CLIENT_LEFT


@asynccontextmanager
async def present(
    request: Request, follower: Follower, reason: Callable[[], EndReason] = _left
) -> AsyncIterator[None]:
    """End the follower's waiting, inside `async with`, once the client leaves or its token
    expires. `reason` says why it left."""

    def leave() -> None:
        follower.end(reason())

    watching = asyncio.create_task(_watch(request.receive, leave))
    extensions = request.scope.get("extensions") or {}
    if END_OF_INPUT in extensions:
        extensions[END_OF_INPUT](leave)
    expiry = _expiry(request, follower)
    try:
        yield
    finally:
        watching.cancel()
        if expiry is not None:
            expiry.cancel()


async def _watch(receive: Receive, leave: Callable[[], None]) -> None:
    """After the body nothing comes but that the client has left (ASGI's HTTP specification)."""
    while (message := await receive()).get("more_body", False):
        pass
    if message["type"] == "http.request":
        message = await receive()
    if message["type"] == "http.disconnect":
        leave()


def _expiry(request: Request, follower: Follower) -> asyncio.TimerHandle | None:
    expires_at = request_context(request).expires_at
    if expires_at is None:
        return None
    left = (expires_at - app_context(request).clock.now()).total_seconds()
    loop = asyncio.get_running_loop()
    return loop.call_later(max(0.0, left), follower.end, EndReason.TOKEN_EXPIRED)
