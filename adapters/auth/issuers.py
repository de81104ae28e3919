import asyncio
from collections.abc import Mapping, Sequence

import structlog

from adapters.auth.compact import Compact, json_object
from adapters.auth.jwt import JwtAuthenticator
from adapters.auth.verified import name_of
from application.errors import InvalidToken, TokenFault, Unavailable
from application.ports.authenticator import Authenticator, Principal

_log = structlog.get_logger("chat_sessions")


class IssuersAuthenticator(Authenticator):
    """Access tokens of several issuers. Each has rules, keys and verified tokens of its own: what a
    token says of its issuer decides by whose it is checked, and they check that it is so."""

    def __init__(self, by_issuer: Mapping[str, JwtAuthenticator]) -> None:
        self._by_issuer = by_issuer

    async def authenticate(self, token: str) -> Principal:
        name = name_of(token)
        for authenticator in self._by_issuer.values():
            principal = authenticator.verified(name)
            if principal is not None:
                return principal
        named = self.named_by(token)
        if named is None:
            raise InvalidToken("its issuer is none of those that are set", TokenFault.ISSUER)
        try:
            return await named.verify(token, name)
        except InvalidToken as error:
            text = f"{error} (as a token of {named.policy.issuer})"
            raise InvalidToken(text, error.fault) from error

    @property
    def each(self) -> Sequence[JwtAuthenticator]:
        return tuple(self._by_issuer.values())

    def named_by(self, token: str) -> JwtAuthenticator | None:
        """That of the issuer that a token says it has. Raises InvalidToken for what is none."""
        issuer = json_object(Compact.parse(token).payload).get("iss")
        return self._by_issuer.get(issuer) if isinstance(issuer, str) else None

    async def check(self) -> None:
        """Raise Unavailable while the keys of none of them are known."""
        lacking: list[Unavailable] = []
        for authenticator in self._by_issuer.values():
            try:
                await authenticator.check()
            except Unavailable as error:
                lacking.append(error)
        if len(lacking) == len(self._by_issuer):
            raise Unavailable("; ".join(map(str, lacking)))

    async def keep_current(self) -> None:
        async with asyncio.TaskGroup() as group:
            for issuer, authenticator in self._by_issuer.items():
                group.create_task(_keep_current(issuer, authenticator))

    async def close(self) -> None:
        for authenticator in self._by_issuer.values():
            await authenticator.close()


async def _keep_current(issuer: str, authenticator: JwtAuthenticator) -> None:
    """Keep the keys of one issuer current. Its failure is logged, and stops none of the others."""
    try:
        await authenticator.keep_current()
    except Exception:  # noqa: BLE001 - whatever it is
        _log.exception("keys.failed", issuer=issuer)
