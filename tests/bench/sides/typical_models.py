"""The ORM's models and the wire's, as the typical service has them, on the tables that all have."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, Json
from sqlalchemy import Dialect, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from adapters.sql import column_types


class Key(column_types.Key):
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        return None if value is None else self.read([value])[0]


class Instant(column_types.Instant):
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        return None if value is None else self.read([value])[0]


class Base(DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "owners"

    owner: Mapped[UUID] = mapped_column(Key, primary_key=True)
    issuer: Mapped[str]
    subject: Mapped[str]
    session_count: Mapped[int]


class Session(Base):
    __tablename__ = "sessions"

    owner: Mapped[UUID] = mapped_column(Key, primary_key=True)
    id: Mapped[UUID] = mapped_column(Key, primary_key=True)
    title: Mapped[str | None]
    attached: Mapped[str] = mapped_column("metadata", Text)
    created_at: Mapped[datetime] = mapped_column(Instant)
    last_updated: Mapped[datetime] = mapped_column(Instant)
    message_count: Mapped[int]


class Message(Base):
    __tablename__ = "messages"

    owner: Mapped[UUID] = mapped_column(Key, primary_key=True)
    session_id: Mapped[UUID] = mapped_column(Key, primary_key=True)
    message_order: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column(Key)
    role: Mapped[str]
    content: Mapped[str]
    attached: Mapped[str] = mapped_column("metadata", Text)
    timestamp: Mapped[datetime] = mapped_column(Instant)


class MessageIn(BaseModel):
    role: Literal["user", "assistant", "system", "tool"]
    content: str
    metadata: dict[str, Any] = {}


class AppendIn(BaseModel):
    messages: list[MessageIn]


class SessionIn(BaseModel):
    title: str | None = None
    metadata: dict[str, Any] = {}
    messages: list[MessageIn] = []


class Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    metadata: Annotated[Json[dict[str, Any]], Field(validation_alias="attached")]


class MessageOut(Out):
    id: UUID
    session_id: UUID
    message_order: int
    role: str
    content: str
    timestamp: datetime


class SessionOut(Out):
    id: UUID
    user_id: str = ""
    title: str | None
    created_at: datetime
    last_updated: datetime
    message_count: int


class Pagination(BaseModel):
    total: int
    limit: int
    offset: int
    has_next: bool
    has_previous: bool
    next_offset: int | None
    previous_offset: int | None


class MessagePage(BaseModel):
    items: list[MessageOut]
    pagination: Pagination


class SessionPage(BaseModel):
    items: list[SessionOut]
    pagination: Pagination


class Appended(BaseModel):
    items: list[MessageOut]
