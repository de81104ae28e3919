"""Tokens as identity providers make them: those for APIs, and the others that must not pass."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Claims = Mapping[str, Any]

USER = "0b1d3c52-8d3f-4a51-9a3b-6a5c2f0f7a11"
CLIENT = "web-app"
API = "https://chat.example"


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a provider's tokens say beside `iss`, `sub`, `iat` and `exp`."""

    provider: str
    issuer: str
    preset: str
    """The one that its tokens are read by."""
    access: Claims
    others: Mapping[str, Claims]
    """By what each is. None of them is an access token for this service."""
    audience: str = API
    typ: str | None = "JWT"
    algorithm: str = "RS256"
    chosen: bool = False
    """By the issuer's address."""
    marks: Claims = field(default_factory=lambda: {"nonce": "n-0S6", "at_hash": "MTIz"})
    """What an ID token has besides where an application asked for it."""


_ID: Claims = {"aud": CLIENT, "auth_time": 1, "email": "alice@example.com"}
_LOGOUT: Claims = {
    "aud": CLIENT,
    "jti": "j",
    "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
}

_KEYCLOAK: Claims = {"typ": "Bearer", "azp": CLIENT, "scope": "openid", "sid": "s", "jti": "j"}
_ENTRA_API = "8f2b7a55-3c0e-4d3b-9c0a-5d1d1f0c2a77"
"""The client id of the API's registration."""
_ENTRA: Claims = {
    "aud": _ENTRA_API,
    "azp": CLIENT,
    "scp": "chat",
    "oid": "o",
    "tid": "t",
    "ver": "2.0",
}
_SUPABASE: Claims = {
    "aud": "authenticated",
    "role": "authenticated",
    "session_id": "s",
    "is_anonymous": False,
    "email": "alice@example.com",
}
_CASDOOR: Claims = {"aud": [CLIENT], "azp": CLIENT, "tokenType": "access-token", "scope": "openid"}
_AUTHENTIK: Claims = {"aud": CLIENT, "acr": "a", "auth_time": 1, "sid": "s"}
_FUSIONAUTH: Claims = {
    "aud": CLIENT,
    "applicationId": CLIENT,
    "roles": ["user"],
    "scope": "openid",
}

SHAPES = (
    Shape(
        provider="Keycloak",
        issuer="https://login.example/realms/chat",
        preset="keycloak",
        access={**_KEYCLOAK, "aud": [API, "account"]},
        others={
            "ID token": {**_ID, "typ": "ID", "azp": CLIENT, "sid": "s"},
            "ID token for the API": {**_ID, "aud": API, "typ": "ID", "azp": CLIENT},
            "refresh token": {**_KEYCLOAK, "aud": API, "typ": "Refresh"},
            "offline token": {**_KEYCLOAK, "aud": API, "typ": "Offline"},
            "logout token": {**_LOGOUT, "aud": API, "typ": "Logout"},
            "token without an audience": _KEYCLOAK,
            "token for the account": {**_KEYCLOAK, "aud": "account"},
        },
    ),
    Shape(
        provider="Keycloak, by the rule",
        issuer="https://login.example/realms/chat",
        preset="standard",
        access={**_KEYCLOAK, "aud": API, "realm_access": {"roles": ["user"]}},
        others={
            "ID token": {**_ID, "typ": "ID", "azp": CLIENT},
            "refresh token": {**_KEYCLOAK, "aud": API, "typ": "Refresh"},
        },
    ),
    Shape(
        provider="Auth0",
        issuer="https://tenant.eu.auth0.com/",
        preset="standard",
        access={
            "aud": [API, "https://tenant.eu.auth0.com/userinfo"],
            "azp": CLIENT,
            "scope": "openid profile",
            "gty": "password",
        },
        others={
            "ID token": _ID,
            "ID token for the API": {**_ID, "aud": API},
            "foreign token": {"aud": "https://other.example", "azp": CLIENT, "scope": "openid"},
            "logout token": {**_LOGOUT, "aud": API, "client_id": CLIENT, "scope": "x"},
        },
    ),
    Shape(
        provider="Entra ID, version 2",
        issuer="https://login.microsoftonline.com/tid/v2.0",
        preset="entra",
        chosen=True,
        audience=_ENTRA_API,
        access=_ENTRA,
        others={
            "ID token": {"aud": _ENTRA_API, "oid": "o", "tid": "t", "ver": "2.0"},
            "ID token with app roles": {
                "aud": _ENTRA_API,
                "oid": "o",
                "ver": "2.0",
                "roles": ["admin"],
            },
            "token without permissions": {"aud": _ENTRA_API, "azp": CLIENT, "ver": "2.0"},
            "foreign token": {**_ENTRA, "aud": "https://graph.example"},
        },
    ),
    Shape(
        provider="Entra ID, version 1",
        issuer="https://sts.windows.net/tid/",
        preset="entra",
        chosen=True,
        audience="api://chat",
        access={"aud": "api://chat", "appid": CLIENT, "roles": ["chat"], "ver": "1.0"},
        others={"ID token": {"aud": "api://chat", "ver": "1.0", "roles": ["chat"]}},
    ),
    Shape(
        provider="Cognito",
        issuer="https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_pool",
        preset="cognito",
        chosen=True,
        typ=None,
        audience=CLIENT,
        access={"client_id": CLIENT, "token_use": "access", "scope": "openid", "username": "alice"},
        others={
            "ID token": {**_ID, "token_use": "id"},
            "token of another client": {
                "client_id": "other",
                "token_use": "access",
                "scope": "openid",
            },
            "token for another resource": {
                "aud": "https://other.example",
                "client_id": CLIENT,
                "token_use": "access",
                "scope": "openid",
            },
        },
    ),
    Shape(
        provider="Okta",
        issuer="https://org.okta.com/oauth2/default",
        preset="okta",
        chosen=True,
        typ=None,
        audience="api://default",
        access={"aud": "api://default", "cid": CLIENT, "uid": "00u1", "scp": ["openid", "chat"]},
        others={
            "ID token": {**_ID, "ver": 1, "amr": ["pwd"]},
            "ID token for the API": {**_ID, "aud": "api://default", "roles": ["x"]},
            "token of the organization": {"aud": "https://org.okta.com", "cid": CLIENT, "uid": "u"},
        },
    ),
    Shape(
        provider="Authentik",
        issuer="https://auth.example/application/o/chat/",
        preset="authentik",
        chosen=True,
        audience=CLIENT,
        access={**_AUTHENTIK, "azp": CLIENT, "uid": "u", "nonce": "n-0S6"},
        others={"ID token": _AUTHENTIK},
    ),
    Shape(
        provider="Zitadel",
        issuer="https://org.zitadel.cloud",
        preset="zitadel",
        chosen=True,
        audience="project",
        access={"aud": [CLIENT, "project"], "client_id": CLIENT, "jti": "j"},
        others={
            "ID token": {"aud": [CLIENT, "project"], "azp": CLIENT, "auth_time": 1},
            "ID token that names its client twice": {
                "aud": [CLIENT, "project"],
                "azp": CLIENT,
                "client_id": CLIENT,
                "jti": "j",
            },
        },
    ),
    Shape(
        provider="Authelia",
        issuer="https://auth.example",
        preset="standard",
        typ="at+jwt",
        access={"aud": [API], "client_id": CLIENT, "scp": ["openid"], "jti": "j"},
        others={"token for nobody": {"aud": [], "client_id": CLIENT}},
    ),
    Shape(
        provider="Dex",
        issuer="https://dex.example/dex",
        preset="id-token",
        typ=None,
        audience=CLIENT,
        access={"aud": CLIENT, "at_hash": "MTIz", "email": "alice@example.com"},
        others={
            "ID token of another client": {"aud": "other"},
            "ID token of two clients": {"aud": [CLIENT, "other"], "azp": CLIENT},
            "ID token for another": {"aud": CLIENT, "azp": "other"},
            "logout token": _LOGOUT,
        },
        marks={},
    ),
    Shape(
        provider="Google",
        issuer="https://accounts.google.com",
        preset="id-token",
        audience="1.apps.googleusercontent.com",
        access={"aud": "1.apps.googleusercontent.com", "azp": "1.apps.googleusercontent.com"},
        others={
            "ID token of an Android app": {
                "aud": "1.apps.googleusercontent.com",
                "azp": "2.apps.googleusercontent.com",
            }
        },
        marks={},
    ),
    Shape(
        provider="Casdoor",
        issuer="https://door.example",
        preset="casdoor",
        audience=CLIENT,
        access=_CASDOOR,
        others={
            "refresh token": {**_CASDOOR, "tokenType": "refresh-token"},
            "ID token": {**_CASDOOR, "tokenType": "id-token"},
        },
    ),
    Shape(
        provider="Logto",
        issuer="https://tenant.logto.app/oidc",
        preset="standard",
        typ="at+jwt",
        algorithm="ES384",
        access={"aud": API, "client_id": CLIENT, "scope": "chat:read", "jti": "j"},
        others={"token for another": {"aud": "https://other.example", "client_id": CLIENT}},
    ),
    Shape(
        provider="Clerk",
        issuer="https://happy-bee-1.clerk.accounts.dev",
        preset="clerk",
        chosen=True,
        audience="https://app.example",
        access={"azp": "https://app.example", "sid": "sess_1", "v": 2, "fva": [0, -1]},
        others={
            "token of another page": {"azp": "https://evil.example", "sid": "sess_1", "v": 2},
            "ID token": {"aud": "https://app.example", "azp": "https://app.example"},
            "template of one's own": {"azp": "https://app.example"},
        },
    ),
    Shape(
        provider="Supabase",
        issuer="https://ref.supabase.co/auth/v1",
        preset="supabase",
        chosen=True,
        algorithm="ES256",
        audience="authenticated",
        access=_SUPABASE,
        others={
            "anonymous token": {**_SUPABASE, "is_anonymous": True},
            "anonymous token, told by 0": {**_SUPABASE, "is_anonymous": 0},
            "token of the service": {"role": "service_role", "aud": "authenticated"},
            "token of an anonymous key": {**_SUPABASE, "role": "anon"},
        },
    ),
    Shape(
        provider="Firebase",
        issuer="https://securetoken.google.com/project",
        preset="firebase",
        chosen=True,
        audience="project",
        access={
            "aud": "project",
            "auth_time": 1,
            "user_id": USER,
            "firebase": {"sign_in_provider": "password"},
        },
        others={
            "token of another project": {"aud": "other", "user_id": USER, "firebase": {"x": 1}},
            "anonymous token": {
                "aud": "project",
                "provider_id": "anonymous",
                "user_id": USER,
                "firebase": {"sign_in_provider": "anonymous"},
            },
            "custom token": {"aud": "project", "uid": USER},
        },
    ),
    Shape(
        provider="Better Auth",
        issuer="https://app.example",
        preset="better-auth",
        typ=None,
        algorithm="Ed25519",
        audience="https://app.example",
        access={"aud": "https://app.example", "email": "alice@example.com"},
        others={
            "ID token": {"aud": CLIENT},
            "ID token that names its client": {"aud": "https://app.example", "azp": CLIENT},
            "token for two": {"aud": ["https://app.example", "https://other.example"]},
        },
    ),
    Shape(
        provider="Cloudflare Access",
        issuer="https://team.cloudflareaccess.com",
        preset="cloudflare",
        chosen=True,
        audience="4714c1358e65",
        access={"aud": ["4714c1358e65"], "type": "app", "identity_nonce": "n", "country": "DE"},
        others={
            "token of the organization": {"aud": ["4714c1358e65"], "type": "org"},
            "token of a service": {"aud": ["4714c1358e65"], "type": "app", "sub": ""},
        },
    ),
    Shape(
        provider="WorkOS",
        issuer="https://api.workos.com/user_management/client_01",
        preset="workos",
        chosen=True,
        audience="client_01",
        access={"sid": "session_1", "jti": "j", "role": "member"},
        others={
            "token without a session": {"jti": "j"},
            "token for an audience": {"sid": "session_1", "aud": "client_01"},
        },
    ),
    Shape(
        provider="Descope",
        issuer="https://api.descope.com/P2abc",
        preset="descope",
        audience="P2abc",
        access={"drn": "DS", "amr": ["email"]},
        others={
            "refresh token": {"drn": "DSR"},
            "ID token": {"aud": "P2abc", "nonce": "n-0S6"},
            "token for another": {"aud": "other", "drn": "DS"},
            "token of no kind": {"amr": ["email"]},
        },
    ),
    Shape(
        provider="FusionAuth",
        issuer="https://auth.example",
        preset="fusionauth",
        audience=CLIENT,
        access=_FUSIONAUTH,
        others={
            "ID token": _ID,
            "ID token that has what a lambda gave it": {**_ID, **_FUSIONAUTH, "tty": "id"},
            "token without a registration": {"aud": CLIENT},
        },
    ),
)
