from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from adapters.auth.key_set import KeySet, PublicKey

__all__ = ["KeySource", "Keys", "PublicKey"]


class KeySource(Protocol):
    """Where the keys of an issuer come from."""

    @abstractmethod
    async def keys(self) -> KeySet:
        """Those that are there now and fit. Raises Unavailable while they cannot be had."""

    @abstractmethod
    async def close(self) -> None:
        """Let go. Safe to call more than once."""


class Keys(Protocol):
    """The public keys of one issuer."""

    @property
    @abstractmethod
    def version(self) -> int:
        """Another number once a key has come or gone."""

    @property
    @abstractmethod
    def ids(self) -> Sequence[str]:
        """The ids of the keys that are known now."""

    @abstractmethod
    async def find(self, kid: str | None, algorithm: str) -> PublicKey | None:
        """The key of that id, or where a token names none the only one, that is fit for the
        algorithm. None where there is none, or more than one.

        Raises Unavailable while that cannot be told.
        """

    @abstractmethod
    async def successor(self, key: PublicKey | None, algorithm: str) -> PublicKey | None:
        """Another key than the one that `find` gave for a token without an id, and that its
        signature does not hold under: of keys without ids only that tells that they have changed.
        """

    @abstractmethod
    async def check(self) -> None:
        """Raise Unavailable while there is no key at all."""

    @abstractmethod
    async def keep_current(self) -> None:
        """Get the keys, and keep them current until this is cancelled. Return where they never
        change."""

    @abstractmethod
    async def close(self) -> None:
        """Let go. Safe to call more than once."""
