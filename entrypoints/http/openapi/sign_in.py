"""The identity provider, as the description and /docs know it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A sign-in describes how clients get tokens from the identity provider.

    `client_id` is the public client with which /docs signs its reader in; without one, the reader
    brings a token. `scopes` are those that routes require, for `read` and `write` requests.
    """

    issuer: str
    audience: str
    others: Sequence[str] = ()
    """Further issuers whose tokens are taken."""
    client_id: str | None = None
    scopes: Mapping[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """The provider's origin (RFC 6454 section 6.1)."""
        url = urlsplit(self.issuer)
        return f"{url.scheme}://{url.netloc}"

    def describe(self, description: dict[str, Any]) -> None:
        """Add the provider to an OpenAPI description, as another way to the same token."""
        scheme: dict[str, Any] = {
            "type": "openIdConnect",
            "openIdConnectUrl": f"{self.issuer.rstrip('/')}/.well-known/openid-configuration",
            "description": "An access token (RFC 9068) of this identity provider.",
        }
        if self.client_id:
            scheme["x-sign-in"] = {
                "client_id": self.client_id,
                "audience": self.audience,
                "scopes": ["openid", *self.scopes.values()],
            }
        description["components"]["securitySchemes"]["openIdConnect"] = scheme
        for path in description["paths"].values():
            for method, operation in path.items():
                if "security" in operation:
                    kind = "read" if method == "get" else "write"
                    scopes = [self.scopes[kind]] if self.scopes else []
                    operation["security"].append({"openIdConnect": scopes})
