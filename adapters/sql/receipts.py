"""The receipts of writes that happen once, as both databases keep them."""

from uuid import UUID

from adapters.sql import statements
from adapters.sql.database import Database, Values
from adapters.sql.schema import Key, instant_of
from application.once import KEPT, Once, Receipt
from domain.owner import Owner

TRIES = 5
"""Of a write that finds an old receipt in its way, and takes that away."""


def values_of(owner: Owner, once: Once | None, session_id: UUID) -> Values | None:
    """A receipt's columns, but for `first_order`."""
    if once is None:
        return None
    return {
        "owner": owner.key,
        "operation": once.operation,
        "key": once.key,
        "fingerprint": once.fingerprint,
        "claimed_at": once.claimed_at,
        "session_id": session_id,
    }


async def found(database: Database, owner: Owner, once: Once) -> Receipt | None:
    """The owner's receipt for operation and key. One that counts no more is taken away.

    What is found is durable, since FIND_RECEIPT takes a lock: without one, a commit that was given
    up while it waited for its standby can be read, and may yet be lost.
    """
    claim = {"owner_": owner.key, "operation_": once.operation, "key_": once.key}
    rows = await database.read(statements.FIND_RECEIPT, claim)
    if not rows:
        return None
    fingerprint, claimed_at, session_id, first_order = rows[0]
    earlier = Once(once.operation, once.key, fingerprint, instant_of(claimed_at))
    receipt = Receipt(earlier, Key.read([session_id])[0], first_order)
    if not once.outlives(receipt):
        return receipt
    old = {**claim, "until_": once.claimed_at - KEPT}
    await database.write(lambda connection: connection.execute(statements.FORGET_RECEIPT, old))
    return None
