"""The keys of an identity provider, kept current while requests come."""

import asyncio
from collections.abc import Sequence

import structlog

from adapters.auth.key_set import KeySet
from adapters.auth.keys import Keys, KeySource, PublicKey
from application.errors import Unavailable

RETRY_SECONDS = 2.0
"""Until a provider that could not be had is asked again."""

_TOLD_MAX = 5
"""Keys that are told of."""

_log = structlog.get_logger("chat_sessions")


class ProviderKeys(Keys):
    """Asks for the keys at the start, when they have reached `max_age`, and when a token names
    one that is not known, or names none and does not hold, but then only once in `interval`. Both
    are in seconds.

    Whoever needs the keys while they are asked for waits for that one answer. While the provider
    is away the keys that are known go on being so, however old.
    """

    def __init__(self, source: KeySource, max_age: float, interval: float) -> None:
        self._source = source
        self._max_age = max_age
        self._interval = interval
        self._found = KeySet()
        self._version = 0
        self._away: str | None = "the keys were not asked for yet"
        """Why they could not be had when they were last asked for."""
        self._next = 0.0
        """When, by the loop's clock, an unknown key may have the provider asked."""
        self._asking: asyncio.Task[None] | None = None

    @property
    def version(self) -> int:
        return self._version

    @property
    def ids(self) -> Sequence[str]:
        return [key.kid for key in self._found.keys if key.kid is not None]

    async def find(self, kid: str | None, algorithm: str) -> PublicKey | None:
        if not self._found.knows(kid):
            await self._ask_if_due()
            if not self._found.knows(kid):
                await self.check()
                if self._away:
                    raise Unavailable(f"a key is not known, and {self._away}")
        return self._found.find(kid, algorithm)

    async def successor(self, key: PublicKey | None, algorithm: str) -> PublicKey | None:
        await self._ask_if_due()
        found = self._found.find(None, algorithm)
        return None if found == key else found

    async def check(self) -> None:
        if not self._found.keys:
            raise Unavailable(self._lack)

    async def keep_current(self) -> None:
        while True:
            await self._ask()
            await asyncio.sleep(min(RETRY_SECONDS, self._max_age) if self._lack else self._max_age)

    async def close(self) -> None:
        if self._asking:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        await self._source.close()

    @property
    def _lack(self) -> str | None:
        if self._away or self._found.keys:
            return self._away
        others = ", ".join(self._found.others[:_TOLD_MAX]) or "none at all"
        return f"the identity provider has no key that is fit: its key set has {others}"

    async def _ask_if_due(self) -> None:
        if self._asking or asyncio.get_running_loop().time() >= self._next:
            await self._ask()

    async def _ask(self) -> None:
        """Ask, or wait for the answer to who has asked before: a client that hangs up ends
        neither."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._refresh())
        await asyncio.shield(self._asking)

    async def _refresh(self) -> None:
        before = self._found, self._away
        try:
            self._found = await self._source.keys()
            self._away = None
        except Unavailable as error:
            self._away = str(error)
        finally:
            self._next = asyncio.get_running_loop().time() + self._interval
            self._asking = None
        if self._found != before[0]:
            self._version += 1
        if (self._found, self._away) != before:
            self._tell()

    def _tell(self) -> None:
        if self._lack:
            _log.warning("keys.unavailable", reason=self._lack, known=len(self._found.keys))
        else:
            _log.info("keys.loaded", known=len(self._found.keys), unfit=self._found.unfit)
