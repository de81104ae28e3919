"""Fetch an OpenID provider's description, and the keys that it names."""

import asyncio
import ssl
from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx2
from authlib.oauth2 import rfc8414
from authlib.oidc.discovery.well_known import get_well_known_url

from adapters.auth.key_set import DOCUMENT_MAX, KeySet
from adapters.auth.keys import KeySource
from application.errors import Misconfigured, Unavailable
from domain import strict_json

_SHOWN_MAX = 200
"""The most characters of the provider's text that go into the log."""


class Discovery(KeySource):
    """Discovery fetches one issuer's documents over HTTPS, or HTTP from an http:// issuer's host.

    Certificates are checked against the system's store, or SSL_CERT_FILE. No redirect is
    followed, no variable names a proxy, and no connection is kept.
    """

    def __init__(
        self, issuer: str, algorithms: Collection[str], timeout: float, keys_url: str | None = None
    ) -> None:
        """`timeout` is in seconds, for all documents together. With `keys_url` no description is
        asked for."""
        self._issuer = issuer
        self._keys_url = keys_url
        self._algorithms = algorithms
        self._timeout = timeout
        self._client = httpx2.AsyncClient(
            verify=ssl.create_default_context(),
            trust_env=False,
            follow_redirects=False,
            timeout=timeout,
            limits=httpx2.Limits(max_keepalive_connections=0),
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        )

    @property
    def name(self) -> str:
        return f"the identity provider {shown(self._issuer)}"

    async def keys(self) -> KeySet:
        """Return the issuer's keys that are fit for the algorithms.

        Its description says where they are. It is looked for at each well-known place in turn, and
        must name this very issuer (OpenID Connect Discovery 1.0 section 4.3). Raises Unavailable,
        also for an answer that cannot be used.
        """
        address = self._keys_url
        try:
            async with asyncio.timeout(self._timeout):
                address = address or await self._described()
                jwks = await self._document(address)
            return _key_set(address, jwks, self._algorithms)
        except Misconfigured:
            raise
        except TimeoutError:
            where = f" at {shown(address)}" if address else ""
            raise Unavailable(f"{self.name} does not answer in time{where}") from None
        except Exception as error:
            # A far side can bring about more than the client's own errors.
            raise Unavailable(f"{self.name} cannot be used: {_reason(error)}") from error

    async def close(self) -> None:
        await self._client.aclose()

    async def _described(self) -> str:
        """Return the URL of the keys from the issuer's description. Servers have many answers for
        one that is not there, such as the start page of an application."""
        found = []
        for url in well_known_urls(self._issuer):
            try:
                description = await self._document(url)
            except _AnswerError as error:
                found.append(str(error))
                continue
            if isinstance(description, dict) and isinstance(description.get("issuer"), str):
                return self._keys_address(description)
            found.append(f"{shown(url)}: it is no description")
        raise ValueError(f"it has no description: {'; '.join(found)}")

    def _keys_address(self, description: Mapping[str, Any]) -> str:
        named = description["issuer"]
        if named != self._issuer:
            raise Misconfigured(
                "the identity provider cannot be used: "
                f"its description names another issuer: {shown(named)}, and the one that is set is "
                f"{self._issuer}; set it as the description has it, to the letter"
            )
        address = description.get("jwks_uri")
        if not isinstance(address, str):
            raise ValueError("its description names no keys")  # noqa: TRY004 - of a far side
        issuer, keys = urlsplit(self._issuer), urlsplit(address)
        is_near = issuer.scheme == keys.scheme == "http" and issuer.hostname == keys.hostname
        if keys.scheme != "https" and not is_near:
            raise ValueError("its keys are not at a https:// address")
        return address

    async def _document(self, address: str) -> Any:  # noqa: ANN401 - any JSON
        """Raises ValueError, which names the address."""
        try:
            return strict_json.parse(await self._body(address))
        except httpx2.TransportError as error:
            raise ValueError(f"{shown(address)}: {_reason(error)}") from error
        except Exception as error:  # a far side can bring about more than the client's own errors
            raise _AnswerError(f"{shown(address)}: {_reason(error)}") from error

    async def _body(self, address: str) -> bytes:
        async with self._client.stream("GET", address) as response:
            if response.status_code != HTTPStatus.OK:
                raise ValueError(f"it answers {response.status_code}")
            if response.headers.get("content-encoding", "identity") != "identity":
                raise ValueError("it answers in an encoding that was not asked for")
            body = bytearray()
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > DOCUMENT_MAX:
                    raise ValueError(f"it answers with more than {DOCUMENT_MAX} bytes")
        return bytes(body)


class _AnswerError(ValueError):
    """The server answers, and what it answers is not what was asked for."""


def _key_set(address: str, jwks: object, algorithms: Collection[str]) -> KeySet:
    try:
        return KeySet.from_jwks(jwks, algorithms)
    except ValueError as error:
        raise ValueError(f"{shown(address)}: {error}") from error


def well_known_urls(issuer: str) -> list[str]:
    """Return the URLs that a description may have.

    OpenID Connect Discovery 1.0 section 4.1 puts the well-known part after the issuer's path;
    RFC 8414 sections 3.1 and 5 put it before, under two names.
    """
    names = ("oauth-authorization-server", "openid-configuration")
    before = [
        rfc8414.get_well_known_url(issuer.rstrip("/"), external=True, suffix=name) for name in names
    ]
    return list(dict.fromkeys((get_well_known_url(issuer, external=True), *before)))


def shown(value: object) -> str:
    """Shorten and escape the provider's text for a line of the log."""
    if not isinstance(value, str):
        return "none"
    return "".join(letter if letter.isprintable() else "?" for letter in value[:_SHOWN_MAX])


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
