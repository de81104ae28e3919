"""How the access tokens of each kind of identity provider are told from its other tokens.

Providers that follow RFC 9068 say `at+jwt` in the header. The others say `JWT` or nothing, as their
ID tokens do. Each preset is a row of data for these; `access_tokens` reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal
from urllib.parse import urlsplit

ID_TOKEN_MARKS = ("nonce", "at_hash", "c_hash", "s_hash")
"""Claims that only an ID token needs (OpenID Connect Core 1.0 sections 2 and 3.3.2.11)."""

CLIENTS = ("client_id", "azp", "appid", "cid")
"""Claims that name the client that a token was issued to."""

PERMISSIONS = ("scope", "scp", "roles", "permissions", "realm_access")
"""Claims that say what a token allows."""

AudiencePlace = Literal["aud", "azp", "client_id", "end of iss"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim under any of these names, with this value where one is given."""

    names: tuple[str, ...]
    value: str | bool | None = None


def _any_of(*names: str) -> Claim:
    return Claim(names)


def _each(*names: str) -> tuple[Claim, ...]:
    return tuple(Claim((name,)) for name in names)


MARKS = _each(*ID_TOKEN_MARKS)

SELF_DESCRIPTIONS: Mapping[str, str | None] = {
    "typ": "Bearer",
    "token_use": "access",
    "tokenType": "access-token",
    "drn": "DS",
    "tty": "at",
    "events": None,
}
"""Claims by which providers name a token's kind, with the value that an access token has. None is
for a claim that no access token has: `events` is a logout token's (OpenID Connect Back-Channel
Logout 1.0 section 2.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What a token whose `typ` is `JWT` or absent must and must not be."""

    name: str
    required: tuple[Claim, ...] = ()
    """Those of SELF_DESCRIPTIONS have the value that they have there."""
    forbidden: tuple[Claim, ...] = MARKS
    names_client: bool = False
    """It must name the client it was issued to, and that client must not be in `aud`: an ID token
    has its client there (OpenID Connect Core 1.0 section 2)."""
    says_permissions: bool = False
    """It must say what it allows."""
    audience: AudiencePlace = "aud"
    """Where one of the configured audiences must be."""
    is_audience_alone: bool = False
    """`aud` has that one audience and no other, and an `azp` is the same."""
    is_for_issuer: bool = False
    """`aud` is the issuer."""
    at_jwt_audience: AudiencePlace = "aud"
    """The same for an `at+jwt`."""
    person: str = "sub"
    """The claim that says whose the token is, unless a setting names another."""
    client: str | None = None
    """Where `person` is missing, `sub` is taken if it is the same as this claim."""
    keys: str | None = None
    """The path of the key set at the issuer's host, `{end}` being the last part of the issuer; None
    is where the issuer's description names it."""
    hosts: tuple[str, ...] = ()
    path: str | None = None
    """Issuers at one of these hosts, or with this in their path, need no setting."""
    is_for_clients: bool = False
    """The audience is a client: any token of that client would do."""
    takes_id_tokens: bool = False
    """It takes ID tokens, and no `at+jwt`."""

    def is_for(self, issuer: str) -> bool:
        """Whether the issuer's address tells that it is of this kind."""
        try:
            url = urlsplit(issuer)
        except ValueError:  # a name that looks like an address is still a name
            return False
        host = url.hostname or ""
        in_path = self.path is not None and self.path in url.path
        return in_path or any(fnmatchcase(host, pattern) for pattern in self.hosts)

    def keys_url(self, issuer: str) -> str | None:
        if self.keys is None:
            return None
        url = urlsplit(issuer)
        return f"{url.scheme}://{url.netloc}{self.keys.format(end=end_of(issuer))}"


def end_of(issuer: str) -> str:
    """The last part of an issuer's path, or the whole of an issuer that is a name."""
    return issuer.rstrip("/").rpartition("/")[2]


_ROWS = (
    Preset(name="standard", names_client=True, says_permissions=True),
    Preset(name="keycloak", required=_each("typ")),
    Preset(
        name="entra",
        required=(*_each("ver"), _any_of("azp", "appid"), _any_of("scp", "roles")),
        hosts=("login.microsoftonline.com", "sts.windows.net"),
    ),
    Preset(
        name="okta",
        required=_each("cid"),
        names_client=True,
        says_permissions=True,
        person="uid",
        client="cid",
        hosts=("*.okta.com", "*.oktapreview.com"),
    ),
    Preset(
        name="cognito",
        required=_each("token_use"),
        names_client=True,
        says_permissions=True,
        audience="client_id",
        hosts=("cognito-idp.*.amazonaws.com",),
        is_for_clients=True,
    ),
    Preset(
        name="authentik",
        required=_each("azp", "uid"),
        forbidden=_each("at_hash", "c_hash", "s_hash"),
        path="/application/o/",
    ),
    Preset(
        name="zitadel",
        required=_each("client_id", "jti"),
        forbidden=(*_each("azp", "auth_time"), *MARKS),
        hosts=("*.zitadel.cloud",),
    ),
    Preset(
        name="casdoor",
        required=_each("tokenType"),
        is_for_clients=True,
    ),
    Preset(
        name="clerk",
        required=_each("sid", "v"),
        forbidden=(*_each("aud"), *MARKS),
        audience="azp",
        at_jwt_audience="client_id",
        hosts=("*.clerk.accounts.dev",),
        is_for_clients=True,
    ),
    Preset(
        name="supabase",
        required=(
            Claim(("role",), "authenticated"),
            *_each("session_id"),
            Claim(("is_anonymous",), value=False),
        ),
        hosts=("*.supabase.co",),
    ),
    Preset(
        name="firebase",
        required=_each("firebase", "user_id"),
        forbidden=(Claim(("provider_id",), "anonymous"), *MARKS),
        hosts=("securetoken.google.com",),
    ),
    Preset(
        name="workos",
        required=_each("sid"),
        forbidden=(*_each("aud"), *MARKS),
        audience="end of iss",
        keys="/sso/jwks/{end}",
        hosts=("api.workos.com",),
    ),
    Preset(
        name="descope",
        required=_each("drn"),
        audience="end of iss",
        keys="/{end}/.well-known/jwks.json",
    ),
    Preset(name="fusionauth", required=_each("applicationId")),
    Preset(
        name="better-auth",
        forbidden=(*_each(*CLIENTS), *MARKS),
        is_for_issuer=True,
        keys="/api/auth/jwks",
    ),
    Preset(
        name="cloudflare",
        required=(Claim(("type",), "app"),),
        keys="/cdn-cgi/access/certs",
        hosts=("*.cloudflareaccess.com",),
    ),
    Preset(
        name="id-token",
        forbidden=(),
        is_audience_alone=True,
        takes_id_tokens=True,
        is_for_clients=True,
    ),
)

PRESETS: Mapping[str, Preset] = {preset.name: preset for preset in _ROWS}

STANDARD = PRESETS["standard"]


def preset_for(issuer: str, name: str | None = None) -> Preset:
    """The preset of that name; without one that of the issuer's address, or else the standard."""
    if name is not None:
        return PRESETS[name]
    return next((preset for preset in _ROWS if preset.is_for(issuer)), STANDARD)
