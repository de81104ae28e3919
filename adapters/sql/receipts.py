"""The receipts of writes that happen once, as both databases keep them."""

from uuid import UUID

from sqlalchemy import Connection

from adapters.sql import statements
from adapters.sql.column_types import Key, instant_of
from adapters.sql.database import Database, Values
from application.idempotency import RETENTION, IdempotencyClaim, Receipt
from domain.owner import Owner

TRIES = 5
"""Of a write that finds an old receipt in its way, and takes that away."""


def values_of(owner: Owner, claim: IdempotencyClaim | None, session_id: UUID) -> Values | None:
    """A receipt's columns, but for `first_order`."""
    if claim is None:
        return None
    return {
        "owner": owner.key,
        "operation": claim.operation,
        "key": claim.key,
        "fingerprint": claim.fingerprint,
        "claimed_at": claim.claimed_at,
        "session_id": session_id,
    }


def claimed(connection: Connection, receipt: Values) -> bool:
    """Whether there is a receipt under the same key already."""
    claim = {f"{name}_": receipt[name] for name in ("owner", "operation", "key")}
    return connection.execute(statements.FIND_RECEIPT, claim).one_or_none() is not None


async def found(database: Database, owner: Owner, claim: IdempotencyClaim) -> Receipt | None:
    """The owner's receipt for operation and key. One that counts no more is taken away.

    What is found is durable, since FIND_RECEIPT takes a lock: without one, a commit that was given
    up while it waited for its standby can be read, and may yet be lost.
    """
    key = {"owner_": owner.key, "operation_": claim.operation, "key_": claim.key}
    rows = await database.read(statements.FIND_RECEIPT, key)
    if not rows:
        return None
    fingerprint, claimed_at, session_id, first_order, stored_count = rows[0]
    earlier = IdempotencyClaim(claim.operation, claim.key, fingerprint, instant_of(claimed_at))
    receipt = Receipt(earlier, Key.read([session_id])[0], first_order, stored_count)
    if not receipt.is_expired(claim.claimed_at):
        return receipt
    old = {**key, "until_": claim.claimed_at - RETENTION}
    await database.write(lambda connection: connection.execute(statements.FORGET_RECEIPT, old))
    return None
