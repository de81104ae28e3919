"""What tells those who follow sessions that these have changed, and how."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, false, select, true, union_all

from adapters.sql.column_types import Instant, Key, instant_of
from adapters.sql.database import Database
from adapters.sql.entities import SESSION_COLUMNS
from adapters.sql.message_statements import OF_SESSION, OF_SESSION_REMOVED
from adapters.sql.observer import labelled
from adapters.sql.schema import messages, removed_orders, sessions
from adapters.sql.statements import OWN_SESSION
from application.ports.changes import ChangeReader, Changes, Edit, SessionKey
from domain.errors import SessionNotFound
from domain.owner import Owner
from domain.session import Version

_SINCE = bindparam("since_", type_=Instant)


def _changes_since() -> Select[Any]:
    replaced = select(
        messages.c.message_order.label("message_order"),
        messages.c.edited_at.label("at"),
        false().label("removed"),
    ).where(OF_SESSION, messages.c.edited_at > _SINCE)
    removed = select(
        removed_orders.c.message_order, removed_orders.c.removed_at, true().label("removed")
    ).where(OF_SESSION_REMOVED, removed_orders.c.removed_at > _SINCE)
    edits = union_all(replaced, removed).subquery("edits")
    return (
        select(*SESSION_COLUMNS.selected, sessions.c.first_order, *edits.c)
        .select_from(sessions.outerjoin(edits, true()))
        .where(OWN_SESSION)
    )


CHANGES_SINCE = labelled("changes_since", _changes_since())
"""The session beside each edit; one row with no edit where there is none, and none where the owner
has no such session."""


@dataclass(frozen=True, slots=True)
class SqlChangeReader(ChangeReader):
    database: Database

    async def versions(self, sessions: Collection[SessionKey]) -> Mapping[SessionKey, Version]:
        if not sessions:
            return {}
        asked = {(owner.key, id_): (owner, id_) for owner, id_ in sessions}
        rows = await self.database.versions(asked)
        if not rows:
            return {}
        owners, ids, changed, revisions = zip(*rows, strict=True)
        keys = zip(Key.read(owners), Key.read(ids), strict=True)
        versions = map(Version, Instant.read(changed), revisions)
        return {asked[key]: version for key, version in zip(keys, versions, strict=True)}

    async def since(self, owner: Owner, session_id: UUID, at: datetime) -> Changes:
        asked = {"owner_": owner.key, "session_": session_id, "since_": at}
        rows = await self.database.read(CHANGES_SINCE, asked)
        if not rows:
            raise SessionNotFound
        count = len(SESSION_COLUMNS.selected)
        (session,) = SESSION_COLUMNS.read([rows[0][:count]], owner)
        edits = [
            Edit(order, instant_of(edited), bool(removed))
            for _, order, edited, removed in (row[count:] for row in rows)
            if order is not None
        ]
        edits.sort(key=lambda edit: edit.at)
        return Changes(session, rows[0][count], edits)
