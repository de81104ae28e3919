"""Bearer tokens: JSON Web Tokens, checked against keys that their issuer is known by."""

from adapters.auth.development import DevelopmentKey
from adapters.auth.jwt import JwtAuthenticator

__all__ = ["DevelopmentKey", "JwtAuthenticator"]
