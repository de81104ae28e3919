from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from domain.owner import Owner


class Scope(StrEnum):
    """What a token may be limited to (RFC 6749 section 3.3)."""

    READ = "chat:read"
    WRITE = "chat:write"


EVERY_SCOPE = frozenset(Scope)

SCOPE_NAMES: Mapping[Scope, str] = MappingProxyType({scope: str(scope) for scope in Scope})
"""What tokens call the scopes, unless an issuer has names of its own."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts for a person, as the issuer of the token names it. Only that issuer vouches for the
    name, so the two together tell who it is."""

    name: str
    issuer: str


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a token speaks for, and what it allows of what that person may do. `actor` is who acts
    for the person, where it is not the person. `scope_names` are what its issuer calls the scopes.
    From `expires_at` on the token is refused."""

    owner: Owner
    scopes: frozenset[Scope] = EVERY_SCOPE
    actor: Actor | None = None
    scope_names: Mapping[Scope, str] = field(default_factory=lambda: SCOPE_NAMES, compare=False)
    expires_at: datetime | None = field(default=None, compare=False)


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
