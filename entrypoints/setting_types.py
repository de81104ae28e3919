"""Define the types of settings, and validate them."""

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal, get_args
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit

import limits
from pydantic import AfterValidator, BeforeValidator, Field

PORT_MAX = 65535

SQLITE = "sqlite:///"
POSTGRESQL = ("postgresql://", "postgres://")
REDIS = ("redis://", "rediss://")
_WEB_ADDRESS = (
    r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
    r"(/([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?"
)
"""A scheme, host and path of RFC 3986 that may stand in a header, so without a user or query."""

_PASSWORD = re.compile(r"(?<=:)(?<!://)[^:/@]*(?=@)")
_POSTGRESQL_URL = re.compile(
    r"postgres(ql)?://([^:/?#@\[\]\s]*(:[^:/?#@\[\]\s]*)?@)?"  # user and password
    r"({host}(,{host})*)?(/[^/?#@\s]*)?(\?[^#\s]*)?".format(
        host=r"(\[[0-9A-Fa-f:.]+\]|([A-Za-z0-9._-]|%[0-9A-Fa-f]{2}){0,253})(:[0-9]{1,5})?"
    )
)
"""A URL as libpq takes it (PostgreSQL's manual, section 34.1.1.2), with several hosts by commas."""

_REDIS_URL = re.compile(
    r"rediss?://([^:/?#@\[\]\s]*:[^:/?#@\[\]\s]+@)?"  # user and password
    r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253})(:[0-9]{1,5})?(/[0-9]{1,4})?"
)

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[1-9][0-9]{0,4})?")
"""An origin as browsers serialize it (RFC 6454 section 6.2): in lower case, without a path."""

_HOST = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-][A-Za-z0-9._-]*)(:[0-9]{1,5})?"
"""A host and port as in the Host header (RFC 9110 section 7.2)."""

_DEFAULT_PORTS = {("http", 80), ("https", 443)}

RATE_MAX = 1_000_000_000
WINDOW_MAX = 24 * 60 * 60
"""The longest window of a rate, in seconds."""


def matching(pattern: str, what: str) -> AfterValidator:
    """Return a validator of text that must match as a whole. `what` says what it must be."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"must be {what}")
        return value

    return AfterValidator(check)


def _split(url: str) -> SplitResult:
    """Split a URL. Raises ValueError, also for a host or a port that there cannot be."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("has no such host or port") from None
    return parts


def _items(value: object) -> object:
    if isinstance(value, str):
        return [item.strip() for item in value.split(",")]
    if not isinstance(value, list | tuple | frozenset):
        raise ValueError("must be a text, or a list of texts")  # noqa: TRY004 - a validator's error
    return value


def _database(url: str) -> str:
    path = url.removeprefix(SQLITE)
    is_file = url.startswith(SQLITE) and path not in ("", ":memory:") and "?" not in path
    if url.startswith(POSTGRESQL):
        for host in re.findall(r"@?(\[[^\]]*\])", url.partition("?")[0]):
            _split(f"//{host}")
        ports = re.findall(r":(\d+)(?=[,/?]|$)", url.partition("?")[0].rpartition("@")[2])
        if not _POSTGRESQL_URL.fullmatch(url) or not all(
            1 <= int(port) <= PORT_MAX for port in ports
        ):
            raise ValueError("is no URL of PostgreSQL; marks in a password are percent-encoded")
    elif not is_file and url != "memory://":
        raise ValueError("must be memory://, sqlite:///PATH without parameters, or postgresql://")
    return url


def _redis(url: str) -> str:
    if url != "memory://" and not (
        _REDIS_URL.fullmatch(url) and _split(url).port in (None, *range(1, PORT_MAX + 1))
    ):
        raise ValueError("must be memory://, or redis:// or rediss:// USER:PASSWORD@HOST:PORT/0")
    return url


def _rate(text: str) -> str:
    try:
        rates = limits.parse_many(text) if text.isascii() else []
    except ValueError:
        rates = []
    if not (
        len(rates) == 1
        and 1 <= rates[0].amount <= RATE_MAX
        and 1 <= rates[0].get_expiry() <= WINDOW_MAX
    ):
        raise ValueError("must be NUMBER/second, /minute or /hour, a day at most")
    return text


def _origin(origin: str) -> str:
    is_origin = _ORIGIN.fullmatch(origin) is not None
    parts = _split(origin if is_origin else "")
    if not is_origin or (parts.scheme, parts.port) in _DEFAULT_PORTS:
        raise ValueError("must be scheme://host[:port] as browsers send it, without a path or *")
    return origin


def _network(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        raise ValueError("must be addresses or networks, such as 10.0.0.0/8, by commas") from None
    if "/" in value and ip_address(value.partition("/")[0]) != network.network_address:
        raise ValueError(f"has {value}, an address within a network: write it, or {network}")
    return network


def _proxies(
    networks: tuple[IPv4Network | IPv6Network, ...],
) -> tuple[IPv4Network | IPv6Network, ...]:
    """Refuse networks that together are the whole internet."""
    together: tuple[IPv4Network | IPv6Network, ...] = (
        *collapse_addresses(network for network in networks if isinstance(network, IPv4Network)),
        *collapse_addresses(network for network in networks if isinstance(network, IPv6Network)),
    )
    if not all(network.prefixlen for network in together):
        raise ValueError("would take anybody's word")
    return networks


Names = Annotated[
    frozenset[Annotated[str, matching(_HOST, "names of hosts, NAME or NAME:PORT, by commas")]],
    BeforeValidator(_items),
]


def _parsed(address: str) -> str:
    parts = _split(address)
    if parts.port == 0 or not any(map(str.isalnum, parts.hostname or "")):
        raise ValueError("has no such host or port")
    return address


WebAddress = Annotated[
    str,
    matching(_WEB_ADDRESS, "http:// or https://, a host and at most a port and a path"),
    AfterValidator(_parsed),
]


@lru_cache(maxsize=64)
def is_loopback(address: str) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)


def is_local(host: str | None) -> bool:
    return host == "localhost" or (host is not None and is_loopback(host))


def check_web_address(text: str) -> None:
    """Raise ValueError for another text than an address on the web."""
    if not re.fullmatch(_WEB_ADDRESS, text):
        raise ValueError("must be http:// or https://, a host and at most a port and a path")
    _parsed(text)


def is_web_address(text: str) -> bool:
    try:
        check_web_address(text)
    except ValueError:
        return False
    return True


def check_issuer(issuer: str) -> str:
    """Raise ValueError for an issuer whose description cannot be fetched, as it is no URL, or is
    without TLS on another machine."""
    if not issuer.startswith(("https://", "http://")):
        raise ValueError(
            f"{issuer} is no URL: write it with https:// as the provider's description has it, or, "
            "if it is only a name, say where its keys are (CHAT_SESSIONS_OIDC_KEYS_URL)"
        )
    check_web_address(issuer)
    if not issuer.startswith("https://") and not is_local(urlsplit(issuer).hostname):
        raise ValueError(
            "must be https:// unless it is on loopback, or its keys have an address of their own "
            "(CHAT_SESSIONS_OIDC_KEYS_URL), which may be http:// at a host without a dot"
        )
    return issuer


_PLAIN_HOST = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,62}")
"""A name without a dot, which is on this network, and not a number that means an address."""


def _keys_url(url: str) -> str:
    if url.startswith("file:"):
        keys_path(url)
        return url
    address, _, query = url.partition("?")
    if not re.fullmatch(_WEB_ADDRESS, address) or not re.fullmatch(r"[!-~]{0,500}", query):
        raise ValueError("must be https:// or file:, or http:// on loopback or at a plain name")
    _parsed(address)
    host = urlsplit(address).hostname or ""
    if address.startswith("http:") and not (is_local(host) or _PLAIN_HOST.fullmatch(host)):
        raise ValueError("must be https:// unless it is on loopback or at a host without a dot")
    return url


def keys_path(url: str) -> Path:
    """Return the path of a file: URL (RFC 8089): file:///PATH, file:/PATH or file:PATH."""
    parts = _split(url)
    if parts.netloc not in {"", "localhost"} or not parts.path or parts.query or parts.fragment:
        raise ValueError("must be file:///PATH, without a host, a query or a fragment")
    return Path(unquote(parts.path))


Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"
]

Provider = Literal[
    "standard",
    "keycloak",
    "entra",
    "okta",
    "cognito",
    "authentik",
    "zitadel",
    "casdoor",
    "clerk",
    "supabase",
    "firebase",
    "workos",
    "descope",
    "fusionauth",
    "better-auth",
    "cloudflare",
    "id-token",
]

SubjectClaim = Literal["sub", "oid", "uid"]

OwnerPolicy = Literal["read", "write", "create"]
"""The rate limits of an owner's requests, by the names of their policies."""

RATE_LIMIT_POLICIES = (*get_args(OwnerPolicy), "peer")
"""The names of all rate limits, in the settings, in the headers and in the metrics."""

Rate = Annotated[str, AfterValidator(_rate)]

Origins = Annotated[
    frozenset[Annotated[str, AfterValidator(_origin)]],
    BeforeValidator(_items),
]

Networks = Annotated[
    tuple[Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)], ...],
    BeforeValidator(_items),
    AfterValidator(_proxies),
]

Seconds = Annotated[float, Field(ge=0.1, le=60)]
ClientSeconds = Annotated[float, Field(ge=0.1, le=3600)]

DatabaseUrl = Annotated[str, AfterValidator(_database), Field(repr=False)]
OptionalDatabaseUrl = Annotated[Annotated[str, AfterValidator(_database)] | None, Field(repr=False)]
RedisUrl = Annotated[str, AfterValidator(_redis), Field(repr=False)]
KeysUrl = Annotated[str, AfterValidator(_keys_url)]
PrintableText = Annotated[str, matching(r"[!-~]{1,255}", "1 to 255 visible characters of ASCII")]
Texts = Annotated[tuple[PrintableText, ...], BeforeValidator(_items), Field(min_length=1)]
ScopeName = Annotated[str, matching(r"[!#-\[\]-~]{1,255}", "a scope's name (RFC 6749 section 3.3)")]


def _algorithms(value: object) -> object:
    """Split the list, and read EdDSA as Ed25519, whose name it was before RFC 9864."""
    items = _items(value)
    if not isinstance(items, list | tuple):
        return items
    return tuple(dict.fromkeys("Ed25519" if item == "EdDSA" else item for item in items))


Algorithms = Annotated[tuple[Algorithm, ...], BeforeValidator(_algorithms), Field(min_length=1)]


def without_password(url: str) -> str:
    """Return the URL with its passwords masked."""
    address, mark, query = url.partition("?")
    return _PASSWORD.sub("***", address) + mark + "&".join(map(_shown, query.split("&")))


def _shown(parameter: str) -> str:
    """Mask a URL's parameter if it is a password. Its name may be percent-encoded."""
    name, mark, _ = parameter.partition("=")
    return f"{name}{mark}***" if "password" in unquote_plus(name).lower() else parameter
