"""Appends that must look before they write, in a transaction in which the session is locked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from adapters.sql import message_statements as statements
from adapters.sql.column_types import TextKeys, instant_of
from adapters.sql.database import Values
from adapters.sql.entities import MESSAGE_COLUMNS, message_row
from adapters.sql.receipts import claimed
from adapters.sql.removals import locked, store_orders
from application.ports.messages import AppendTerms
from domain.message import Message, NewMessage, as_stored, without_existing
from domain.owner import Owner
from domain.session import Session


@dataclass(frozen=True, slots=True)
class CarefulAppend:
    """One append, as MessageRepository.append has it, on any terms."""

    owner: Owner
    key: Values
    messages: Mapping[UUID, NewMessage]
    now: datetime
    receipt: Values | None
    terms: AppendTerms
    words: Mapping[UUID, TextKeys]
    """What a search finds each message by."""

    def __call__(self, connection: Connection) -> tuple[Message, ...] | None:
        """None, and nothing is done, where there is a receipt under the key already."""
        session, _ = locked(connection, self.owner, self.key)
        if self.receipt and claimed(connection, self.receipt):
            return None
        existing = self._existing(connection, session)
        new = without_existing(self.messages, existing, keep=self.terms.keeps_existing)
        session.check_version(self.terms.expected)
        after, placed = session.appended(new, self.now, self._last_said(connection))
        if self.receipt:
            first = {"first_order": session.last_order + 1, "stored_count": len(placed)}
            connection.execute(statements.ADD_RECEIPT, {**self.receipt, **first})
        if placed:
            rows = [message_row(self.owner.key, one, self.words[one.id]) for one in placed]
            connection.execute(statements.ADD_MESSAGES, rows)
            largest = max(message.size for message in placed)
            store_orders(connection, self.key, after, largest=largest)
        return as_stored(self.messages, placed, existing)

    def _existing(self, connection: Connection, session: Session) -> dict[str, Message]:
        ids = [message.external_id for message in self.messages.values() if message.external_id]
        if not ids:
            return {}
        asked = {**self.key, "external_ids_": ids}
        rows = connection.execute(statements.EXISTING_MESSAGES, asked).all()
        found = MESSAGE_COLUMNS.read(rows, session.id)
        return {message.external_id or "": message for message in found}

    def _last_said(self, connection: Connection) -> datetime | None:
        last = connection.execute(statements.LAST_SAID, self.key).scalar()
        return None if last is None else instant_of(last)
