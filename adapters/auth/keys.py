from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from adapters.auth.jwk import PublicKey
from adapters.auth.key_set import KeySet

__all__ = ["KeySource", "Keys", "PublicKey"]


class KeySource(Protocol):
    """A key source fetches the keys of an issuer."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is, for messages."""

    @abstractmethod
    async def keys(self) -> KeySet:
        """Return the issuer's present keys that are fit. Raises Unavailable if it cannot."""

    @abstractmethod
    async def close(self) -> None:
        """Let go. Safe to call more than once."""


class Keys(Protocol):
    """The public keys of one issuer."""

    @property
    @abstractmethod
    def version(self) -> int:
        """A number that changes once a key is added or removed."""

    @property
    @abstractmethod
    def ids(self) -> Sequence[str]:
        """The ids of the keys that are known now."""

    @abstractmethod
    async def find(self, kid: str | None, algorithm: str) -> PublicKey | None:
        """Return the key for the algorithm that has the id or, without an id, the only one.

        None if there is none, or more than one. Raises Unavailable while the keys are unknown.
        """

    @abstractmethod
    async def successor(self, key: PublicKey | None, algorithm: str) -> PublicKey | None:
        """Return a newer key, if there is one, after a token without an id failed under `key`.

        Where keys have no ids, only such a failure shows that they may have changed.
        """

    @abstractmethod
    async def check(self) -> None:
        """Raise Unavailable while there is no key at all."""

    @abstractmethod
    async def keep_current(self) -> None:
        """Fetch the keys, and keep them current until this is cancelled. Return at once if they
        never change."""

    @abstractmethod
    async def close(self) -> None:
        """Let go. Safe to call more than once."""
