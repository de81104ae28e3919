from abc import abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from domain.owner import Owner


class Scope(StrEnum):
    """What a token may be limited to (RFC 6749 section 3.3)."""

    READ = "chat:read"
    WRITE = "chat:write"


EVERY_SCOPE = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a token speaks for, and what it allows of what that person may do. `actor` is who acts
    for the person, where it is not the person."""

    owner: Owner
    scopes: frozenset[Scope] = EVERY_SCOPE
    actor: str | None = None


class Authenticator(Protocol):
    @abstractmethod
    async def authenticate(self, token: str) -> Principal:
        """Whom a bearer token speaks for.

        Raises InvalidToken for one that does not hold, Unavailable while the keys to check it
        with cannot be had.
        """

    @abstractmethod
    async def check(self) -> None:
        """Raise Unavailable while no token at all could be checked."""

    @abstractmethod
    async def keep_current(self) -> None:
        """Get what tokens are checked with, and keep it current until this is cancelled. Return
        where it never changes."""

    @abstractmethod
    async def close(self) -> None:
        """Let go. Safe to call more than once."""
