"""The bare work: routes of Starlette, JSON by msgspec, and the driver.

It has no limits, no telemetry and no links, and checks no more than types and the token.
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar
from uuid import UUID

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from domain.owner import Owner
from tests.bench.sides import wire
from tests.bench.sides.stores import Store, opened
from tests.bench.sides.tokens import owner_of

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode
_decode_append = msgspec.json.Decoder(wire.Append).decode
_decode_create = msgspec.json.Decoder(wire.Create).decode


def serve(app: ASGIApp) -> None:
    """On the port that the command line names, as one runs uvicorn."""
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        http="httptools",
        loop="uvloop",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )


async def list_sessions(request: Request) -> Response:
    owner, (limit, offset) = _owner(request), _asked(request)
    total, items = await _store(request).sessions(owner, limit, offset)
    return _answer(wire.SessionPage(items, wire.place(total, len(items), limit, offset)))


async def create_session(request: Request) -> Response:
    owner = _owner(request)
    new = _decode_create(await request.body())
    return _answer(await _store(request).create(owner, new), 201)


async def get_session(request: Request) -> Response:
    return _answer(_found(await _store(request).session(_owner(request), _id(request))))


async def list_messages(request: Request) -> Response:
    owner, (limit, offset) = _owner(request), _asked(request)
    found = await _store(request).messages(owner, _id(request), limit, offset)
    total, items = _found(found)
    return _answer(wire.MessagePage(items, wire.place(total, len(items), limit, offset)))


async def append_messages(request: Request) -> Response:
    owner, id_ = _owner(request), _id(request)
    new = _decode_append(await request.body()).messages
    return _answer(wire.Appended(_found(await _store(request).append(owner, id_, new))), 201)


@asynccontextmanager
async def _opened(app: Starlette) -> AsyncIterator[None]:
    async with opened(os.environ["BENCH_DATABASE"]) as app.state.store:
        yield


app = Starlette(
    routes=[
        Route("/sessions", list_sessions),
        Route("/sessions", create_session, methods=["POST"]),
        Route("/sessions/{id}", get_session),
        Route("/sessions/{id}/messages", list_messages),
        Route("/sessions/{id}/messages", append_messages, methods=["POST"]),
    ],
    lifespan=_opened,
)


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


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


def _found(value: T | None) -> T:
    if value is None:
        raise HTTPException(404)
    return value


def _answer(value: msgspec.Struct, status: int = 200) -> Response:
    return Response(_encode(value), status, media_type="application/json")


if __name__ == "__main__":
    serve(app)
