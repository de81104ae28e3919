"""What one writes without thinking: FastAPI, an asynchronous ORM, `response_model`, `count(*)`.

On PostgreSQL by asyncpg or on SQLite by aiosqlite, and on the same tables.
"""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
import uuid_utils.compat
from fastapi import Depends, FastAPI, Header, HTTPException, Query
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from domain.owner import Owner
from domain.strict_json import dump
from tests.bench.sides import wire
from tests.bench.sides.bare import serve
from tests.bench.sides.tokens import owner_of
from tests.bench.sides.typical_models import (
    Appended,
    AppendIn,
    Message,
    MessageIn,
    MessageOut,
    MessagePage,
    Pagination,
    Person,
    Session,
    SessionIn,
    SessionOut,
    SessionPage,
)

_opened = async_sessionmaker(
    create_async_engine(os.environ.get("BENCH_DATABASE", "sqlite+aiosqlite://"), pool_size=10)
)


async def _database() -> AsyncIterator[AsyncSession]:
    async with _opened() as session:
        yield session


def _caller(authorization: Annotated[str | None, Header()] = None) -> Owner:
    return owner_of(authorization)


Database = Annotated[AsyncSession, Depends(_database)]
Caller = Annotated[Owner, Depends(_caller)]
Limit = Annotated[int, Query(ge=1, le=wire.LIMIT_MAX)]
Offset = Annotated[int, Query(ge=0)]

app = FastAPI()


@app.get("/sessions", response_model=SessionPage)
async def list_sessions(
    database: Database, caller: Caller, limit: Limit = 50, offset: Offset = 0
) -> dict[str, Any]:
    query = select(Session).where(Session.owner == caller.key)
    total = await _count(database, query)
    newest = query.order_by(Session.last_updated.desc(), Session.id.desc())
    found = await database.scalars(newest.limit(limit).offset(offset))
    items = [_out(caller, session) for session in found]
    return {"items": items, "pagination": _pagination(total, len(items), limit, offset)}


@app.post("/sessions", status_code=201)
async def create_session(database: Database, caller: Caller, body: SessionIn) -> SessionOut:
    person = await database.get(Person, caller.key)
    if person is None:
        person = Person(
            owner=caller.key, issuer=caller.issuer, subject=caller.subject, session_count=0
        )
        database.add(person)
    person.session_count += 1
    now = datetime.now(UTC)
    session = Session(
        owner=caller.key,
        id=uuid_utils.compat.uuid7(),
        title=body.title,
        attached=dump(body.metadata),
        created_at=now,
        last_updated=now,
        message_count=0,
    )
    database.add(session)
    await database.flush()
    _add(database, session, body.messages, 0)
    await database.commit()
    await database.refresh(session)
    return _out(caller, session)


@app.get("/sessions/{session_id}")
async def get_session(database: Database, caller: Caller, session_id: UUID) -> SessionOut:
    return _out(caller, await _session(database, caller, session_id))


@app.get("/sessions/{session_id}/messages", response_model=MessagePage)
async def list_messages(
    database: Database, caller: Caller, session_id: UUID, limit: Limit = 50, offset: Offset = 0
) -> dict[str, Any]:
    session = await _session(database, caller, session_id)
    query = _messages(session)
    total = await _count(database, query)
    ordered = query.order_by(Message.message_order)
    items = (await database.scalars(ordered.limit(limit).offset(offset))).all()
    return {"items": items, "pagination": _pagination(total, len(items), limit, offset)}


@app.post("/sessions/{session_id}/messages", response_model=Appended, status_code=201)
async def append_messages(
    database: Database, caller: Caller, session_id: UUID, body: AppendIn
) -> dict[str, list[MessageOut]]:
    session = await _session(database, caller, session_id)
    count = await _count(database, _messages(session))
    added = _add(database, session, body.messages, count)
    await database.commit()
    for message in added:
        await database.refresh(message)
    return {"items": [MessageOut.model_validate(message) for message in added]}


async def _session(database: AsyncSession, caller: Owner, session_id: UUID) -> Session:
    query = select(Session).where(Session.owner == caller.key, Session.id == session_id)
    session = await database.scalar(query)
    if session is None:
        raise HTTPException(404)
    return session


def _messages(session: Session) -> Select[Message]:
    of_session = Message.owner == session.owner, Message.session_id == session.id
    return select(Message).where(*of_session)


async def _count(database: AsyncSession, query: Select[Any]) -> int:
    return await database.scalar(select(func.count()).select_from(query.subquery())) or 0


def _add(
    database: AsyncSession, session: Session, new: list[MessageIn], count: int
) -> list[Message]:
    now = datetime.now(UTC)
    added = [
        Message(
            owner=session.owner,
            session_id=session.id,
            message_order=count + n,
            id=uuid_utils.compat.uuid7(),
            role=said.role,
            content=said.content,
            attached=dump(said.metadata),
            timestamp=now + timedelta(microseconds=n),
        )
        for n, said in enumerate(new, 1)
    ]
    database.add_all(added)
    session.message_count = count + len(new)
    session.last_updated = now + timedelta(microseconds=len(new))
    return added


def _out(caller: Owner, session: Session) -> SessionOut:
    out = SessionOut.model_validate(session)
    out.user_id = caller.subject
    return out


def _pagination(total: int, items: int, limit: int, offset: int) -> Pagination:
    return Pagination(**msgspec.structs.asdict(wire.place(total, items, limit, offset)))


if __name__ == "__main__":
    serve(app)
