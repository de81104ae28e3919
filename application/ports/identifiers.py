from abc import abstractmethod
from typing import Protocol
from uuid import UUID


class Identifiers(Protocol):
    @abstractmethod
    def new(self) -> UUID:
        """A UUIDv7 (RFC 9562 section 5.7) that was never given before."""
