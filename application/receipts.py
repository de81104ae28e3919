from dataclasses import dataclass

from application.idempotency import RETENTION
from application.ports.clock import Clock
from application.ports.storage import Storage


@dataclass(frozen=True, slots=True)
class PurgeReceipts:
    """Forget idempotency keys that count no more."""

    storage: Storage
    clock: Clock

    async def __call__(self) -> int:
        """How many were forgotten."""
        return await self.storage.purge(self.clock.now() - RETENTION)
