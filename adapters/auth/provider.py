"""Keep the keys of an identity provider current."""

import asyncio
from collections.abc import Sequence

import structlog

from adapters.auth.key_set import KeySet
from adapters.auth.keys import Keys, KeySource, PublicKey
from application.errors import Unavailable

RETRY_SECONDS = 2.0
"""The pause before a provider that did not answer is asked again."""

_LISTED_MAX = 5
"""How many unfit keys are listed in a message."""

_log = structlog.get_logger("chat_sessions")


class ProviderKeys(Keys):
    """The provider is asked for its keys at the start, whenever they are `max_age` old, and for a
    token whose key is not known, or that names none and does not verify.

    For such tokens it is asked once in `interval` at most. Both are in seconds. Callers that need
    the keys meanwhile wait for the same answer. While the provider is away, the known keys remain
    in use, however old.
    """

    def __init__(self, issuer: str, source: KeySource, max_age: float, interval: float) -> None:
        self._issuer = issuer
        self._source = source
        self._max_age = max_age
        self._interval = interval
        self._found = KeySet()
        self._version = 0
        self._away: str | None = f"{source.name} was not asked for keys yet"
        """Why the last request for the keys failed, or None."""
        self._next = 0.0
        """The loop's time from which an unknown key leads to another request."""
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
        others = ", ".join(self._found.others[:_LISTED_MAX]) or "none at all"
        return f"{self._source.name} has no key that is fit: its key set has {others}"

    async def _ask_if_due(self) -> None:
        if self._asking or asyncio.get_running_loop().time() >= self._next:
            await self._ask()

    async def _ask(self) -> None:
        """Ask for the keys, or wait for a request that is under way. A client that hangs up cancels
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
        except Exception:  # noqa: BLE001 - a fault of ours must not end what keeps the keys current
            self._away = f"{self._source.name} cannot be used, by a fault of this service"
            _log.exception("keys.failed", issuer=self._issuer)
        finally:
            self._next = asyncio.get_running_loop().time() + self._interval
            self._asking = None
        if self._found != before[0]:
            self._version += 1
        if (self._found, self._away) != before:
            self._log_state()

    def _log_state(self) -> None:
        known = {"issuer": self._issuer, "known": len(self._found.keys)}
        if self._lack:
            _log.warning("keys.unavailable", reason=self._lack, **known)
        else:
            others = {"others": list(self._found.others)} if self._found.others else {}
            _log.info("keys.loaded", **known, unfit=self._found.unfit, **others)
