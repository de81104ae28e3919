"""The least that answers the requests: routes of Starlette and JSON by msgspec over a store.

It has no limits, no telemetry and no links, and checks no more than types and the token.
"""

import sys
from collections.abc import Sequence
from typing import Protocol, TypeVar
from uuid import UUID

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Lifespan

from domain.owner import Owner
from domain.page import Cursor, SessionSort, Side, SortOrder
from entrypoints.http.cursors import to_text
from tests.bench.sides import wire
from tests.bench.sides.tokens import owner_of

T = TypeVar("T")


class Store(Protocol):
    """One statement for each; None where the owner has no such session."""

    async def sessions(
        self, owner: Owner, limit: int, offset: int
    ) -> tuple[int, list[wire.Session]]: ...

    async def session(self, owner: Owner, id_: UUID) -> wire.Session | None: ...

    async def messages(
        self, owner: Owner, id_: UUID, limit: int, offset: int
    ) -> tuple[int, list[wire.Message]] | None: ...

    async def create(self, owner: Owner, new: wire.Create) -> wire.Session: ...

    async def append(
        self, owner: Owner, id_: UUID, new: Sequence[wire.NewMessage]
    ) -> list[wire.Message] | None: ...


_encode = msgspec.json.Encoder().encode
_decode_append = msgspec.json.Decoder(wire.Append).decode
_decode_create = msgspec.json.Decoder(wire.Create).decode


def application(store: Store, lifespan: Lifespan[Starlette]) -> Starlette:
    async def list_sessions(request: Request) -> Response:
        owner, (limit, offset) = _owner(request), _asked(request)
        total, items = await store.sessions(owner, limit, offset)
        place = wire.place(total, len(items), limit, offset)
        cursors = (
            _cursor(items[-1], Side.AFTER) if place[3] and items else None,
            _cursor(items[0], Side.BEFORE) if place[4] and items else None,
        )
        return _answer(wire.SessionPage(items, wire.SessionPagination(*place, *cursors)))

    async def create_session(request: Request) -> Response:
        owner = _owner(request)
        return _answer(await store.create(owner, _decode_create(await request.body())), 201)

    async def get_session(request: Request) -> Response:
        return _answer(_found(await store.session(_owner(request), _id(request))))

    async def list_messages(request: Request) -> Response:
        owner, (limit, offset) = _owner(request), _asked(request)
        total, items = _found(await store.messages(owner, _id(request), limit, offset))
        place = wire.place(total, len(items), limit, offset)
        return _answer(wire.MessagePage(items, wire.Pagination(*place)))

    async def append_messages(request: Request) -> Response:
        owner, id_ = _owner(request), _id(request)
        new = _decode_append(await request.body()).messages
        return _answer(wire.Appended(_found(await store.append(owner, id_, new))), 201)

    one, messages = "/sessions/{id}", "/sessions/{id}/messages"
    routes = [
        Route("/sessions", list_sessions),
        Route("/sessions", create_session, methods=["POST"]),
        Route(one, get_session),
        Route(messages, list_messages),
        Route(messages, append_messages, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def serve(app: ASGIApp) -> None:
    """On the port that the command line names, with the server, the parser and the loop that the
    service has."""
    port = int(sys.argv[1])
    uvicorn.run(
        app,
        port=port,
        http="h11",
        loop="uvloop",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )


def _owner(request: Request) -> Owner:
    return owner_of(request.headers.get("authorization"))


def _id(request: Request) -> UUID:
    try:
        return UUID(request.path_params["id"])
    except ValueError:
        raise HTTPException(404) from None


def _asked(request: Request) -> tuple[int, int]:
    query = request.query_params
    try:
        limit, offset = int(query.get("limit", "50")), int(query.get("offset", "0"))
    except ValueError:
        raise HTTPException(422) from None
    if not (1 <= limit <= wire.LIMIT_MAX and offset >= 0):
        raise HTTPException(422)
    return limit, offset


def _cursor(session: wire.Session, side: Side) -> str:
    key = (session.last_updated, session.id)
    sort, order = SessionSort.LAST_UPDATED, SortOrder.DESC
    return to_text(Cursor(sort_by=sort, sort_order=order, side=side, key=key))


def _found(value: T | None) -> T:
    if value is None:
        raise HTTPException(404)
    return value


def _answer(value: msgspec.Struct, status: int = 200) -> Response:
    return Response(_encode(value), status, media_type="application/json")
