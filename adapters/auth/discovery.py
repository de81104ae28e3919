"""What an OpenID provider says of itself on the web: where its keys are, and the keys."""

import asyncio
import ssl
from collections.abc import Collection
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx2
from authlib.oidc.discovery.well_known import get_well_known_url

from adapters.auth.key_set import KeySet
from application.errors import Unavailable
from domain import strict_json

DOCUMENT_MAX = 256 * 1024
"""Bytes of a document."""


class Discovery:
    """The documents of one issuer, over HTTPS; an http:// issuer's own host is asked without.

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

    async def keys(self) -> KeySet:
        """The issuer's keys that are fit for the algorithms.

        They are where its description says, which is looked for at the well-known place and must
        name this very issuer (OpenID Connect Discovery 1.0 sections 4.1 and 4.3). Raises
        Unavailable, also for an answer that cannot be used.
        """
        try:
            async with asyncio.timeout(self._timeout):
                jwks = await self._document(self._keys_url or await self._described())
            return KeySet.of(jwks, self._algorithms)
        except TimeoutError:
            raise Unavailable("the identity provider does not answer in time") from None
        except Exception as error:
            # A far side can bring about more than the client's own errors.
            raise Unavailable(f"the identity provider cannot be used: {_reason(error)}") from error

    async def close(self) -> None:
        await self._client.aclose()

    async def _described(self) -> str:
        """Where the issuer's description says that its keys are."""
        url = get_well_known_url(self._issuer, external=True)
        return self._keys_address(await self._document(url))

    def _keys_address(self, description: Any) -> str:  # noqa: ANN401 - any JSON
        if not isinstance(description, dict) or description.get("issuer") != self._issuer:
            raise ValueError("its description names another issuer")
        address = description.get("jwks_uri")
        if not isinstance(address, str):
            raise ValueError("its description names no keys")  # noqa: TRY004 - of a far side
        issuer, keys = urlsplit(self._issuer), urlsplit(address)
        is_near = issuer.scheme == keys.scheme == "http" and issuer.hostname == keys.hostname
        if keys.scheme != "https" and not is_near:
            raise ValueError("its keys are not at a https:// address")
        return address

    async def _document(self, address: str) -> Any:  # noqa: ANN401 - any JSON
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
        return strict_json.parse(bytes(body))


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
