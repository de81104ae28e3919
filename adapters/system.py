"""Read the machine's clock, and make identifiers from it."""

from datetime import UTC, datetime
from uuid import UUID

import uuid_utils.compat

from application.ports.clock import Clock
from application.ports.identifiers import Identifiers


class SystemClock(Clock):
    def now(self) -> datetime:
        return datetime.now(UTC)


class Uuid7Identifiers(Identifiers):
    def new(self) -> UUID:
        return uuid_utils.compat.uuid7()
