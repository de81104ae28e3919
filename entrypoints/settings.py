import os
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

import limits
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from application.errors import StartRefused
from application.followers import FOLLOWERS_MAX, FOLLOWERS_OF_OWNER_MAX
from domain.body import BODY_MAX, BODY_MAX_DEFAULT
from domain.message import CONTENT_MAX
from domain.metadata import METADATA_MAX
from entrypoints.setting_types import (
    PORT_MAX,
    POSTGRESQL,
    RATE_LIMIT_POLICIES,
    REDIS,
    SQLITE,
    Algorithm,
    Algorithms,
    ClientSeconds,
    DatabaseUrl,
    KeysUrl,
    Names,
    Networks,
    OptionalDatabaseUrl,
    Origins,
    PrintableText,
    Provider,
    Rate,
    RedisUrl,
    ScopeName,
    Seconds,
    SubjectClaim,
    Texts,
    WebAddress,
    check_issuer,
    is_local,
    is_loopback,
    matching,
    without_password,
)
from entrypoints.variables import PREFIX, cleaned, unknown

__all__ = ["PREFIX", "Settings", "SettingsError"]

OTLP_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""OpenTelemetry's own variable, which is read if ours is not set."""

CHARACTER_BYTES_MAX = 12
"""Bytes of one character as JSON, at most: two escapes of a surrogate."""

OBJECT_SPELLING_MAX = 3
"""How many times as long as compact JSON in UTF-8 the same object is in ASCII, at most."""

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class SettingsError(StartRefused):
    """A setting cannot be used. The text names it."""


class Settings(BaseModel):
    """The settings are what an operator can set, each by its name with the prefix as a variable."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: DatabaseUrl = "sqlite:///./chat-sessions.db"
    database_read_url: OptionalDatabaseUrl = None
    database_pool_size: Annotated[int, Field(ge=1, le=1000)] = 10
    database_pool_overflow: Annotated[int, Field(ge=0, le=1000)] = 0
    database_pool_wait_seconds: Seconds = 2
    database_pool_recycle_seconds: Annotated[float, Field(gt=0)] = 1800
    database_pool_pre_ping: bool = False
    database_connect_seconds: Seconds = 2
    database_start_seconds: Annotated[float, Field(ge=0, le=3600)] = 30
    database_statement_seconds: Seconds = 3
    database_lock_seconds: Seconds = 2
    database_idle_in_transaction_seconds: Seconds = 5
    database_application_name: Annotated[
        str, matching(r"[ -~]{1,63}", "1 to 63 characters of ASCII")
    ] = "chat-sessions"
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
    rate_limit_storage_url: RedisUrl = "memory://"
    rate_limit_fails: Literal["open", "closed"] = "open"
    hide_foreign_sessions: bool = False
    openai_dialect: bool = False
    max_body_bytes: Annotated[int, Field(ge=1, le=1 << 30)] = 5 << 20
    import_max_bytes: Annotated[int, Field(ge=1, le=1 << 34)] = 64 << 20
    message_body_max_bytes: Annotated[int, Field(ge=1024, le=BODY_MAX)] = BODY_MAX_DEFAULT
    client_head_seconds: ClientSeconds = 10
    client_body_seconds: ClientSeconds = 10
    client_request_seconds: ClientSeconds = 60
    client_idle_seconds: ClientSeconds = 75
    client_answer_seconds: ClientSeconds = 10
    client_connections: Annotated[int, Field(ge=1, le=100_000)] = 2000
    retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    followers_max: Annotated[int, Field(ge=1, le=100_000)] = FOLLOWERS_MAX
    followers_per_owner: Annotated[int, Field(ge=1, le=100_000)] = FOLLOWERS_OF_OWNER_MAX
    events_seconds: Annotated[float, Field(gt=0, le=86400)] = 3600
    drain_seconds: Annotated[float, Field(ge=0, le=8)] = 2
    log_format: Literal["json", "console", "auto"] = "auto"
    slow_statement_seconds: Annotated[float, Field(ge=0, le=60)] = 0.5
    otlp_endpoint: WebAddress | None = None
    development_key_file: Path | None = None
    oidc_issuers_file: Path | None = None
    oidc_issuer: PrintableText | None = None
    oidc_audience: Texts | None = None
    oidc_provider: Provider | None = None
    oidc_keys_url: KeysUrl | None = None
    oidc_algorithms: Algorithms = get_args(Algorithm)
    oidc_subject_claim: SubjectClaim | None = None
    oidc_require_scopes: bool = False
    oidc_scope_read: ScopeName = "chat:read"
    oidc_scope_write: ScopeName = "chat:write"
    oidc_docs_client_id: PrintableText | None = None
    oidc_clock_skew_seconds: Annotated[float, Field(ge=0, le=60)] = 10
    oidc_lifetime_max_seconds: Annotated[float, Field(ge=1, le=30 * 86400)] = 86400
    oidc_keys_max_age_seconds: Annotated[float, Field(ge=1, le=86400)] = 600
    oidc_refresh_interval_seconds: Annotated[float, Field(ge=1, le=3600)] = 10
    oidc_timeout_seconds: Seconds = 4

    @model_validator(mode="after")
    def _check_standby(self) -> "Settings":
        read = self.database_read_url
        if read and not (self.storage == "postgresql" and read.startswith(POSTGRESQL)):
            raise ValueError(
                f"{PREFIX}DATABASE_READ_URL: is a standby's of a postgresql:// database"
            )
        return self

    @model_validator(mode="after")
    def _check_sizes(self) -> "Settings":
        """What one message may hold, one request may hold too, in any JSON spelling of it."""
        objects = self.message_body_max_bytes + METADATA_MAX
        least = CHARACTER_BYTES_MAX * CONTENT_MAX + OBJECT_SPELLING_MAX * objects
        if self.max_body_bytes < least:
            raise ValueError(
                f"{PREFIX}MAX_BODY_BYTES: must be at least {least}, so that the largest message "
                f"fits in it; or lower {PREFIX}MESSAGE_BODY_MAX_BYTES"
            )
        return self

    @model_validator(mode="after")
    def _check_identity(self) -> "Settings":
        """Require an issuer that is fully named, or a development key on loopback alone."""
        set_ = {name for name in self.model_fields_set if getattr(self, name) is not None}
        if self.oidc_issuers_file:
            self._check_issuers_stand_in_file(set_)
        for name in () if self.oidc_issuers_file else ("oidc_issuer", "oidc_audience"):
            if name not in set_ and any(other.startswith("oidc_") for other in set_):
                raise ValueError(f"{PREFIX}{name.upper()}: the other OIDC settings need it")
        if self.oidc_issuer and not self.oidc_keys_url:
            try:
                check_issuer(self.oidc_issuer)
            except ValueError as error:
                raise ValueError(f"{PREFIX}OIDC_ISSUER: {error}") from None
        if self.identity == "provider" and self.development_key_file:
            raise ValueError(f"{PREFIX}DEVELOPMENT_KEY_FILE: an identity provider is set")
        if self.identity == "development" and not is_local(self.host):
            raise ValueError(
                f"{PREFIX}HOST: {self.host} can be reached from elsewhere, which takes an identity "
                f"provider: set {PREFIX}OIDC_ISSUER and {PREFIX}OIDC_AUDIENCE, or listen on "
                "127.0.0.1"
            )
        return self

    def _check_issuers_stand_in_file(self, names: AbstractSet[str]) -> None:
        for name in sorted(names):
            if name.removeprefix("oidc_") in ISSUER_KEYS and name.startswith("oidc_"):
                raise ValueError(
                    f"{PREFIX}{name.upper()}: is set in each issuer of {PREFIX}OIDC_ISSUERS_FILE"
                )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the variables; an empty one counts as not set. Raises SettingsError."""
        variables = cls._variables()
        if not environment.get(variables["otlp_endpoint"], "").strip():
            variables["otlp_endpoint"] = OTLP_ENDPOINT
        values = {}
        for name, variable in variables.items():
            try:
                values[name] = cleaned(environment.get(variable, ""))
            except ValueError as error:
                raise SettingsError(f"{variable}: {error}") from None
        try:
            settings = cls.model_validate({name: value for name, value in values.items() if value})
        except ValidationError as error:
            raise SettingsError(line_of(error, variables)) from None
        settings.check_folder()
        return settings

    @classmethod
    def unknown_variables(cls, environment: Mapping[str, str] = os.environ) -> list[str]:
        """Return a line for each variable that looks like a setting but is none. Those that a
        cluster makes (CHAT_SESSIONS_SERVICE_HOST and the like) are left out."""
        return list(unknown(environment, cls._variables().values()))

    @classmethod
    def _variables(cls) -> dict[str, str]:
        return {name: PREFIX + name.upper() for name in cls.model_fields}

    def check_folder(self) -> None:
        """Raise SettingsError if the database is in the working directory and that is gone."""
        if self.sqlite_path and not self.sqlite_path.is_absolute():
            try:
                Path.cwd()
            except OSError as error:
                raise SettingsError(
                    f"{PREFIX}DATABASE_URL: the working directory cannot be used "
                    f"({error.strerror}): give an absolute path, sqlite:////PATH"
                ) from None

    @property
    def identity(self) -> Literal["development", "provider"]:
        """Who issues the tokens: the service's own development key, or a provider."""
        is_set = self.oidc_issuer or self.oidc_issuers_file
        return "provider" if is_set else "development"

    def serves_at(self, address: str | None) -> bool:
        """Whether a request to this address of the machine may be answered."""
        return self.identity == "provider" or (address is not None and is_loopback(address))

    @property
    def storage(self) -> Literal["memory", "postgresql", "sqlite"]:
        if self.database_url.startswith(POSTGRESQL):
            return "postgresql"
        return "sqlite" if self.sqlite_path else "memory"

    @property
    def reads(self) -> Literal["primary", "primary_or_standby"]:
        """What answers reads: the primary alone, or a standby while the primary is down."""
        return "primary_or_standby" if self.database_read_url else "primary"

    @property
    def sqlite_path(self) -> Path | None:
        if not self.database_url.startswith(SQLITE):
            return None
        return Path(self.database_url.removeprefix(SQLITE))

    @property
    def key_file(self) -> Path:
        """The development key's file, by default beside the SQLite file or in the working
        directory."""
        beside = self.sqlite_path.parent if self.sqlite_path else Path()
        return self.development_key_file or beside / "chat-sessions-development-key.pem"

    @property
    def base_url(self) -> str:
        """The URL at which clients find the service, without a slash at the end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = _reached(self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts that a request's Host may name."""
        if self.allowed_hosts:
            return self.allowed_hosts
        return _LOOPBACK_NAMES | {urlsplit(self.base_url).netloc}

    @property
    def rate_limit_storage(self) -> Literal["memory", "redis"]:
        return "redis" if self.rate_limit_storage_url.startswith(REDIS) else "memory"

    @property
    def rate_limit_policies(self) -> Mapping[str, limits.RateLimitItem]:
        """The rate limits by the names of their policies; none if limits are off."""
        if self.rate_limits == "off":
            return {}
        return {
            name: _policy(name, getattr(self, f"rate_limit_{name}")) for name in RATE_LIMIT_POLICIES
        }

    @property
    def rate_limits_fail_open(self) -> bool:
        return self.rate_limit_fails == "open"

    @property
    def followers(self) -> int:
        """How many requests may follow sessions: no more than leave half of the connections to
        others."""
        return min(self.followers_max, max(1, self.client_connections // 2))

    @property
    def shown_database_url(self) -> str:
        """The database's URL without its password, or with a file's absolute path."""
        if self.sqlite_path:
            return SQLITE + os.path.realpath(self.sqlite_path)
        return without_password(self.database_url)

    @property
    def shown_database_read_url(self) -> str | None:
        return without_password(self.database_read_url) if self.database_read_url else None

    @property
    def shown_rate_limit_storage_url(self) -> str:
        """The URL of Redis without its password."""
        return without_password(self.rate_limit_storage_url)


ISSUER_KEYS = frozenset(
    name.removeprefix("oidc_") for name in Settings.model_fields if name.startswith("oidc_")
) - {"issuers_file", "docs_client_id"}
"""The names, after `OIDC_`, of the settings that each issuer of a file has."""


def libpq_variables(environment: Mapping[str, str] = os.environ) -> Mapping[str, str]:
    """Return the variables of PostgreSQL's own clients: PGSSLROOTCERT, PGPASSFILE and the like."""
    return {name: value for name, value in environment.items() if name.startswith("PG")}


def _policy(name: str, rate: str) -> limits.RateLimitItem:
    item = limits.parse(rate)
    item.namespace = name
    return item


def _reached(host: str) -> str:
    """Return an address that reaches a listener at `host`, which may mean every address."""
    try:
        is_any = ip_address(host).is_unspecified
    except ValueError:
        return host
    return ("::1" if ":" in host else "127.0.0.1") if is_any else host


def line_of(error: ValidationError, variables: Mapping[str, str]) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    message = first["msg"].removeprefix("Value error, ").replace("Input should be", "must be", 1)
    if first["type"] == "bool_parsing":
        message = "must be true or false"
    return f"{variables[str(first['loc'][0])]}: {message}" if first["loc"] else message
