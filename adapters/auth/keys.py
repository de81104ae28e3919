from abc import abstractmethod
from typing import Protocol

from joserfc.jwk import ECKey, OKPKey, RSAKey

PublicKey = ECKey | OKPKey | RSAKey


class Keys(Protocol):
    """The public keys of one issuer."""

    @abstractmethod
    async def find(self, kid: str | None) -> PublicKey | None:
        """The key of that id, or where a token names none the only key there is.

        Raises Unavailable while that cannot be told.
        """

    @abstractmethod
    async def check(self) -> None:
        """Raise Unavailable while there is no key at all."""
