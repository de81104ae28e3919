"""The way of a request to its route, where it has one: FastAPI's own, through its router and what
it keeps open around each request, costs as much as the statement that the request is about."""

from collections.abc import Awaitable, Callable, Iterable
from typing import cast

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

Handler = Callable[[Request], Awaitable[Response]]

_ID = "{session_id}"


class Direct:
    """Calls a route's handler by its method and path. All that has none is handed on to `app`, so
    that FastAPI says why. What a handler raises is raised."""

    def __init__(self, app: ASGIApp, api: FastAPI, routes: Iterable[BaseRoute]) -> None:
        self.app = app
        self._api = api
        self._handlers: dict[tuple[str, ...], tuple[str, Handler]] = {}
        for route in cast("Iterable[APIRoute]", routes):
            for method in route.methods or ():
                handler = (route.path, route.get_route_handler())
                self._handlers[method, *route.path.split("/")] = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler, session_id = self._find(scope) if scope["type"] == "http" else (None, "")
        if handler is None:
            await self.app(scope, receive, send)
            return
        scope["state"]["observation"].route = handler[0]
        scope["app"] = self._api
        scope["path_params"] = {"session_id": session_id} if session_id else {}
        response = await handler[1](Request(scope, receive))
        await response(scope, receive, send)

    def _find(self, scope: Scope) -> tuple[tuple[str, Handler] | None, str]:
        segments = scope["path"].split("/")
        session_id = segments[2] if len(segments) > 2 else ""  # noqa: PLR2004 - "", sessions, its id
        if session_id:
            segments[2] = _ID
        return self._handlers.get((scope["method"], *segments)), session_id
