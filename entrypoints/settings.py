import os
import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import limits
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from application.errors import StartRefused

PREFIX = "CHAT_SESSIONS_"

OTLP_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""OpenTelemetry's own variable, heeded where ours is not set."""

PORT_MAX = 65535

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_SQLITE = "sqlite:///"
_POSTGRESQL = ("postgresql://", "postgres://")
_REDIS = ("redis://", "rediss://")
_WEB_ADDRESS = (
    r"^https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
    r"(/([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?$"
)
"""A scheme, a host and a path of RFC 3986 that can stand in a header: no user, no query."""


_PASSWORD = re.compile(r"(?<=:)(?<!://)[^:/@]*(?=@)|(?<=password=)[^&]*", re.IGNORECASE)
_POSTGRESQL_URL = re.compile(
    r"postgres(ql)?://([^:/?#@\[\]\s]*(:[^:/?#@\[\]\s]*)?@)?"  # user and password
    r"({host}(,{host})*)?(/[^/?#@\s]*)?(\?[^#\s]*)?".format(
        host=r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{0,253})(:[0-9]{1,5})?"
    )
)
"""As libpq has it (PostgreSQL's manual, section 34.1.1.2), several hosts by commas."""


_REDIS_URL = re.compile(
    r"rediss?://([^:/?#@\[\]\s]*:[^:/?#@\[\]\s]+@)?"  # user and password
    r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253})(:[0-9]{1,5})?(/[0-9]{1,4})?"
)

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[1-9][0-9]{0,4})?")
"""As a browser serializes it (RFC 6454 section 6.2): lower case, no path."""

_DEFAULT_PORTS = {("http", 80), ("https", 443)}

RATE_MAX = 1_000_000_000
WINDOW_MAX = 24 * 60 * 60
"""Seconds."""


class SettingsError(StartRefused):
    """A setting cannot be used. The text names it."""


def _items(value: object) -> object:
    return [item.strip() for item in value.split(",")] if isinstance(value, str) else value


def _database(url: str) -> str:
    path = url.removeprefix(_SQLITE)
    is_file = url.startswith(_SQLITE) and path not in ("", ":memory:") and "?" not in path
    if url.startswith(_POSTGRESQL):
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
        _REDIS_URL.fullmatch(url) and urlsplit(url).port in (None, *range(1, PORT_MAX + 1))
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
    parts = urlsplit(origin)
    if not _ORIGIN.fullmatch(origin) or (parts.scheme, parts.port) in _DEFAULT_PORTS:
        raise ValueError("must be scheme://host[:port] as browsers send it, without a path or *")
    return origin


def _proxy(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    if not network.prefixlen:
        raise ValueError("would take anybody's word")
    return network


Names = Annotated[
    frozenset[Annotated[str, StringConstraints(min_length=1)]],
    BeforeValidator(_items),
]


def _parsed(address: str) -> str:
    parts = urlsplit(address)
    if parts.port == 0 or not any(map(str.isalnum, parts.hostname or "")):
        raise ValueError("has no such host or port")
    return address


WebAddress = Annotated[str, StringConstraints(pattern=_WEB_ADDRESS), AfterValidator(_parsed)]


def _issuer(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme != "https" and not is_local(parts.hostname):
        raise ValueError("must be https:// unless it is on loopback")
    return address


Algorithm = Literal["RS256", "PS256", "ES256", "Ed25519"]

Rate = Annotated[str, AfterValidator(_rate)]

Origins = Annotated[
    frozenset[Annotated[str, AfterValidator(_origin)]],
    BeforeValidator(_items),
]

Networks = Annotated[
    tuple[Annotated[IPv4Network | IPv6Network, AfterValidator(_proxy)], ...],
    BeforeValidator(_items),
]

Seconds = Annotated[float, Field(ge=0.1, le=60)]
ClientSeconds = Annotated[float, Field(ge=0.1, le=3600)]


class Settings(BaseModel):
    """What an operator can set, each by an environment variable of its name with the prefix."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: Annotated[str, AfterValidator(_database), Field(repr=False)] = (
        "sqlite:///./chat-sessions.db"
    )
    database_pool_size: Annotated[int, Field(ge=1, le=1000)] = 10
    database_pool_overflow: Annotated[int, Field(ge=0, le=1000)] = 5
    database_pool_wait_seconds: Seconds = 2
    database_pool_recycle_seconds: Annotated[float, Field(gt=0)] = 1800
    database_pool_pre_ping: bool = False
    database_connect_seconds: Seconds = 2
    database_statement_seconds: Seconds = 3
    database_lock_seconds: Seconds = 2
    database_idle_in_transaction_seconds: Seconds = 5
    database_application_name: Annotated[str, StringConstraints(pattern=r"^[ -~]{1,63}$")] = (
        "chat-sessions"
    )
    database_transaction_pooler: bool = False
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=PORT_MAX)] = 8000
    public_url: WebAddress | None = None
    allowed_hosts: Names = frozenset()
    trusted_proxies: Networks = ()
    cors_origins: Origins = frozenset()
    hsts_seconds: Annotated[int, Field(ge=0, le=1 << 31)] = 31_536_000
    rate_limits: Literal["on", "off"] = "on"
    rate_limit_read: Rate = "600/minute"
    rate_limit_write: Rate = "300/minute"
    rate_limit_create: Rate = "60/minute"
    rate_limit_peer: Rate = "120/minute"
    rate_limit_storage_url: Annotated[str, AfterValidator(_redis), Field(repr=False)] = "memory://"
    rate_limit_fails: Literal["open", "closed"] = "open"
    hide_foreign_sessions: bool = False
    max_body_bytes: Annotated[int, Field(ge=1, le=1 << 30)] = 1 << 20
    client_head_seconds: ClientSeconds = 10
    client_body_seconds: ClientSeconds = 10
    client_request_seconds: ClientSeconds = 60
    client_idle_seconds: ClientSeconds = 75
    client_answer_seconds: ClientSeconds = 10
    client_connections: Annotated[int, Field(ge=1, le=100_000)] = 2000
    drain_seconds: Annotated[float, Field(ge=0, le=8)] = 2
    log_format: Literal["json", "console", "auto"] = "auto"
    slow_statement_seconds: Annotated[float, Field(ge=0, le=60)] = 0.5
    otlp_endpoint: WebAddress | None = None
    development_key_file: Path | None = None
    oidc_issuer: Annotated[WebAddress, AfterValidator(_issuer)] | None = None
    oidc_audience: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,255}$")] | None = None
    oidc_algorithms: Annotated[
        tuple[Algorithm, ...], BeforeValidator(_items), Field(min_length=1)
    ] = ("RS256", "PS256", "ES256", "Ed25519")
    oidc_require_scopes: bool = False
    oidc_docs_client_id: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,255}$")] | None = None
    oidc_clock_skew_seconds: Annotated[float, Field(ge=0, le=60)] = 10
    oidc_lifetime_max_seconds: Annotated[float, Field(ge=1, le=30 * 86400)] = 86400
    oidc_keys_max_age_seconds: Annotated[float, Field(ge=1, le=86400)] = 600
    oidc_refresh_interval_seconds: Annotated[float, Field(ge=1, le=3600)] = 10
    oidc_timeout_seconds: Seconds = 4

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "Settings":
        """Who may come in must be plain: one provider that is fully named, or a key of the
        machine's own that nobody else can reach."""
        set_ = {name for name in self.model_fields_set if getattr(self, name) is not None}
        for name in ("oidc_issuer", "oidc_audience"):
            if name not in set_ and any(given.startswith("oidc_") for given in set_):
                raise ValueError(f"{PREFIX}{name.upper()}: the other OIDC settings need it")
        if self.oidc_issuer and self.development_key_file:
            raise ValueError(f"{PREFIX}DEVELOPMENT_KEY_FILE: an identity provider is set")
        if not self.oidc_issuer and not is_local(self.host):
            raise ValueError(
                f"{PREFIX}HOST: without an identity provider the service listens on loopback alone"
            )
        return self

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the variables; an empty one counts as not set. Raises SettingsError.

        Others with the prefix are left alone: a cluster makes some of its own
        (CHAT_SESSIONS_SERVICE_HOST and the like).
        """
        variables = {name: PREFIX + name.upper() for name in cls.model_fields}
        if not environment.get(variables["otlp_endpoint"]):
            variables["otlp_endpoint"] = OTLP_ENDPOINT
        given = {name: environment.get(variable, "") for name, variable in variables.items()}
        try:
            return cls.model_validate({name: value for name, value in given.items() if value})
        except ValidationError as error:
            raise SettingsError(_line(error, variables)) from None

    @property
    def identity(self) -> Literal["development", "provider"]:
        """Who says who a caller is."""
        return "provider" if self.oidc_issuer else "development"

    def serves_at(self, address: str | None) -> bool:
        """Whether a request that came in by this address of ours may be answered."""
        return self.identity == "provider" or (address is not None and is_loopback(address))

    @property
    def storage(self) -> Literal["memory", "postgresql", "sqlite"]:
        if self.database_url.startswith(_POSTGRESQL):
            return "postgresql"
        return "sqlite" if self.sqlite_path else "memory"

    @property
    def sqlite_path(self) -> Path | None:
        if not self.database_url.startswith(_SQLITE):
            return None
        return Path(self.database_url.removeprefix(_SQLITE))

    @property
    def key_file(self) -> Path:
        """Beside the SQLite file, else in the working directory, unless set."""
        beside = self.sqlite_path.parent if self.sqlite_path else Path()
        return self.development_key_file or beside / "chat-sessions-development-key.pem"

    @property
    def base_url(self) -> str:
        """Where clients find the service, without a slash at the end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = _reached(self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def hosts(self) -> frozenset[str]:
        """The names that a request's Host may have."""
        if self.allowed_hosts:
            return self.allowed_hosts
        return _LOOPBACK_NAMES | {urlsplit(self.base_url).netloc}

    @property
    def rate_limit_storage(self) -> Literal["memory", "redis"]:
        return "redis" if self.rate_limit_storage_url.startswith(_REDIS) else "memory"

    @property
    def rate_limit_policies(self) -> Mapping[str, limits.RateLimitItem]:
        """By name, which is also the namespace that each counts in. None where limits are off."""
        if self.rate_limits == "off":
            return {}
        rates = {
            "read": self.rate_limit_read,
            "write": self.rate_limit_write,
            "create": self.rate_limit_create,
            "peer": self.rate_limit_peer,
        }
        return {name: _policy(name, rate) for name, rate in rates.items()}

    @property
    def rate_limits_fail_open(self) -> bool:
        return self.rate_limit_fails == "open"

    @property
    def shown_database_url(self) -> str:
        """The URL without what opens the database."""
        return _PASSWORD.sub("***", self.database_url)

    @property
    def shown_rate_limit_storage_url(self) -> str:
        """The URL without what opens Redis."""
        return _PASSWORD.sub("***", self.rate_limit_storage_url)


def _policy(name: str, rate: str) -> limits.RateLimitItem:
    item = limits.parse(rate)
    item.namespace = name
    return item


def is_loopback(address: str) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)


def _reached(host: str) -> str:
    """An address that leads to a listener at `host`, which may stand for every address."""
    try:
        is_any = ip_address(host).is_unspecified
    except ValueError:
        return host
    return ("::1" if ":" in host else "127.0.0.1") if is_any else host


def is_local(host: str | None) -> bool:
    return host == "localhost" or (host is not None and is_loopback(host))


def _line(error: ValidationError, variables: Mapping[str, str]) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    message = first["msg"].removeprefix("Value error, ")
    return f"{variables[str(first['loc'][0])]}: {message}" if first["loc"] else message
