"""libpq's connection parameters (PostgreSQL's manual, sections 34.1.2, 34.15 and 34.17): which of
them are heeded, which are passed over, and where they come from."""

from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as NotAnIni
from os.path import expanduser
from pathlib import Path
from types import MappingProxyType
from urllib.parse import unquote

_TLS_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")

_VALUES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
        "sslnegotiation": ("postgres", "direct"),
        "channel_binding": ("disable", "prefer", "require"),
        "target_session_attrs": (
            "any",
            "read-write",
            "read-only",
            "primary",
            "standby",
            "prefer-standby",
        ),
        "load_balance_hosts": ("disable", "random"),
        "ssl_min_protocol_version": _TLS_VERSIONS,
        "ssl_max_protocol_version": _TLS_VERSIONS,
        "pgbouncer": ("true", "false"),  # as Prisma and Supabase write it
        # Of these only what needs nothing of the driver: the rest would be a promise not kept.
        "sslcertmode": ("disable", "allow"),
        "sslsni": ("1",),
        "gssencmode": ("disable", "prefer"),
        "replication": ("false", "off", "no", "0"),
        "min_protocol_version": ("3.0",),
        "max_protocol_version": ("3.0", "3.2", "latest"),
    }
)
"""What each of these may be."""

_FREE = frozenset(
    {
        *("host", "hostaddr", "port", "dbname", "user", "password", "passfile"),
        *("connect_timeout", "application_name", "options", "service", "servicefile"),
        *("sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl", "sslcrldir"),
        "search_path",  # the server's: many drivers take it here
    }
)
"""Heeded, whatever they are."""

_PASSED_OVER = frozenset(
    {
        # A connection that leads nowhere is noticed by the time that a statement may take.
        *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
        "tcp_user_timeout",
        # The service has a name and speaks UTF-8; compression is gone from TLS, and no ticket
        # of Kerberos is used.
        *("fallback_application_name", "client_encoding", "sslcompression"),
        *("krbsrvname", "gsslib", "gssdelegation"),
        # What hosters add for other drivers.
        *("supa", "uselibpqcompat"),
    }
)

_NOT_KEPT = frozenset(
    {
        *("require_auth", "requirepeer", "requiressl", "sslkeylogfile"),
        *("scram_client_key", "scram_server_key"),
        *("oauth_issuer", "oauth_client_id", "oauth_client_secret", "oauth_scope"),
    }
)
"""libpq's, and beyond the driver. Most say whom to trust, so none is passed over."""

_POOLER = "CHAT_SESSIONS_DATABASE_TRANSACTION_POOLER=true is the setting for a pooler"

_ELSEWHERE = {
    "connection_limit": "CHAT_SESSIONS_DATABASE_POOL_SIZE sets the pool's size",
    "pool_timeout": "CHAT_SESSIONS_DATABASE_POOL_WAIT_SECONDS sets the wait",
    "statement_timeout": "CHAT_SESSIONS_DATABASE_STATEMENT_SECONDS sets it",
    "schema": "write search_path=NAME",
    "prepareThreshold": _POOLER,
    "prepared_statements": _POOLER,
    "statement_cache_size": _POOLER,
    "prepared_statement_cache_size": _POOLER,
    "prepare_threshold": _POOLER,
}
"""Of other drivers."""

_VARIABLES = {
    "PGDATABASE": "dbname",
    "PGREQUIREAUTH": "require_auth",
    "PGCHANNELBINDING": "channel_binding",
    "PGSSLMINPROTOCOLVERSION": "ssl_min_protocol_version",
    "PGSSLMAXPROTOCOLVERSION": "ssl_max_protocol_version",
    "PGTARGETSESSIONATTRS": "target_session_attrs",
    "PGLOADBALANCEHOSTS": "load_balance_hosts",
    **{
        f"PG{name.upper()}": name
        for name in (
            *("host", "port", "user", "password", "passfile"),
            *("options", "service", "servicefile", "sslmode", "sslnegotiation", "sslcertmode"),
            *("sslrootcert", "sslcert", "sslkey", "sslcrl", "sslcrldir", "sslsni"),
            *("gssencmode", "requirepeer"),
        )
    },
}
"""Those of libpq's environment that the service has no setting for."""


class UrlRefused(ValueError):
    """The URL, or what goes with it, cannot be used. The text is one line with no value in it that
    may be secret."""


def from_url(query: str) -> dict[str, str]:
    """The parameters of a URL. Raises UrlRefused for one that cannot be heeded, and names it."""
    given = dict(map(_parameter, filter(None, query.split("&"))))
    if given.pop("ssl", "") == "true":  # as JDBC has it, which libpq takes too
        given.setdefault("sslmode", "require")
    return _checked(given)


def from_elsewhere(given: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """What the URL leaves open: of its service file first, then of the environment."""
    variables = {
        name: environment[variable]
        for variable, name in _VARIABLES.items()
        if environment.get(variable)
    }
    service = given.get("service") or variables.pop("service", None)
    if service:
        file = given.get("servicefile") or variables.pop("servicefile", None)
        variables |= _of_service(service, file, environment)
    return _checked(variables, "of PG* variables or the service file, the parameter")


def home_file(*parts: str) -> Path | None:
    """A file in the home of whoever runs the service, where there is such a home."""
    home = expanduser("~")  # noqa: PTH111 - Path.home() raises where there is none
    return Path(home, *parts) if Path(home).is_absolute() else None


def is_there(file: Path) -> bool:
    """Whether it can be seen: a home may be another's."""
    try:
        file.stat()
    except OSError:
        return False
    return True


def decoded(text: str) -> str:
    """Raises UrlRefused for what ends a text in the protocol."""
    if "\0" in (plain := unquote(text)):
        raise UrlRefused("it has a %00 in it")
    return plain


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return decoded(name), decoded(value)


def _checked(given: Mapping[str, str], which: str = "its parameter") -> dict[str, str]:
    for name, value in given.items():
        allowed = _VALUES.get(name)
        if allowed and value and value not in allowed:
            raise UrlRefused(f"{which} {name} may be {_listed(allowed)}, and nothing else")
        if name in _NOT_KEPT:
            raise UrlRefused(f"{which} {name} asks for what the service cannot do: leave it out")
        if not allowed and name not in _FREE | _PASSED_OVER:
            raise UrlRefused(f"{which} {_unknown(name)}")
    return {name: value for name, value in given.items() if value and name not in _PASSED_OVER}


def _unknown(name: str) -> str:
    shown = name if name.isidentifier() and name.isascii() else repr(name)
    instead = _ELSEWHERE.get(name, "one of the server's own goes into options=-cNAME%3DVALUE")
    return f"{shown} is not one of libpq's: {instead}"


def _listed(values: tuple[str, ...]) -> str:
    return " or ".join(filter(None, (", ".join(values[:-1]), values[-1])))


def _of_service(name: str, file: str | None, environment: Mapping[str, str]) -> dict[str, str]:
    for path in _service_files(file, environment):
        services = ConfigParser(interpolation=None, delimiters=("=",), default_section="")
        try:
            services.read(path)
        except (OSError, UnicodeDecodeError, NotAnIni) as error:
            raise UrlRefused(f"the service file {path} cannot be read") from error
        if name in services:
            return dict(services[name])
    raise UrlRefused("no service file has the service that it names")


def _service_files(file: str | None, environment: Mapping[str, str]) -> Iterator[Path]:
    own = Path(file) if file else home_file(".pg_service.conf")
    if own:
        yield own
    if folder := environment.get("PGSYSCONFDIR"):
        yield Path(folder, "pg_service.conf")
