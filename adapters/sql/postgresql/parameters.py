"""Read libpq's connection parameters from the URL, a service file and the environment (PostgreSQL's
manual, sections 34.1.2, 34.15 and 34.17), and refuse what cannot be honoured."""

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
        "ssl": ("true",),  # as JDBC has it, which libpq takes too
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
        # Of these only values that need nothing of the driver, which does not implement the rest.
        "sslcertmode": ("disable", "allow"),
        "sslsni": ("1",),
        "gssencmode": ("disable", "prefer"),
        "replication": ("false", "off", "no", "0"),
        "min_protocol_version": ("3.0",),
        "max_protocol_version": ("3.0", "3.2", "latest"),
    }
)
"""The parameters that have a closed set of values, and those that work here."""

_ANY_VALUE = frozenset(
    {
        *("host", "hostaddr", "port", "dbname", "user", "password", "passfile"),
        *("connect_timeout", "application_name", "options", "service", "servicefile"),
        *("sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl", "sslcrldir"),
        "search_path",  # the server's: many drivers take it here
    }
)
"""The parameters that may have any value."""

_IGNORED = frozenset(
    {
        # A dead connection is noticed by the statement's timeout.
        *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
        "tcp_user_timeout",
        # The service has a name and speaks UTF-8; TLS has no compression any more, and Kerberos
        # is not used.
        *("fallback_application_name", "client_encoding", "sslcompression"),
        *("krbsrvname", "gsslib", "gssdelegation"),
        # What hosters add for other drivers.
        *("supa", "uselibpqcompat"),
    }
)

_UNSUPPORTED = frozenset(
    {
        *("require_auth", "requirepeer", "requiressl", "sslkeylogfile"),
        *("scram_client_key", "scram_server_key"),
        *("oauth_issuer", "oauth_client_id", "oauth_client_secret", "oauth_scope"),
    }
)
"""libpq's parameters that the driver lacks. Most are about security, so none is ignored."""

_POOLER = "CHAT_SESSIONS_DATABASE_TRANSACTION_POOLER=true is the setting for a pooler"

_OTHER_DRIVERS = {
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
"""Parameters of other drivers, and what to use in their place."""

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
"""libpq's environment variables that the service has no setting for, and their parameters."""


class UrlRefused(ValueError):
    """The URL, or a file that it needs, cannot be used. The text is one line without secrets."""


def from_url(query: str) -> dict[str, str]:
    """Return the parameters of a URL's query. Raises UrlRefused, which names the one refused."""
    parameters = dict(map(_parameter, filter(None, query.split("&"))))
    return _checked(parameters)


def from_environment(
    parameters: Mapping[str, str], environment: Mapping[str, str]
) -> dict[str, str]:
    """Return parameters that the URL does not set, from its service file or the environment."""
    variables = {
        name: environment[variable]
        for variable, name in _VARIABLES.items()
        if environment.get(variable)
    }
    service = parameters.get("service") or variables.pop("service", None)
    if service:
        file = parameters.get("servicefile") or variables.pop("servicefile", None)
        variables |= _from_service_file(service, file, environment)
    return _checked(variables, "of PG* variables or the service file, the parameter")


def home_file(*parts: str) -> Path | None:
    """Return a file's path in the home of the service's user, if that has one."""
    home = expanduser("~")  # noqa: PTH111 - Path.home() raises where there is none
    return Path(home, *parts) if Path(home).is_absolute() else None


def is_there(file: Path) -> bool:
    """Whether the file exists and this user may see it."""
    try:
        file.stat()
    except OSError:
        return False
    return True


def decoded(text: str) -> str:
    """Percent-decode the text. Raises UrlRefused for a NUL, which would end it in the protocol."""
    if "\0" in (plain := unquote(text)):
        raise UrlRefused("it has a %00 in it")
    return plain


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return decoded(name), decoded(value)


def _checked(parameters: Mapping[str, str], which: str = "its parameter") -> dict[str, str]:
    for name, value in parameters.items():
        allowed = _VALUES.get(name)
        if allowed and value and value not in allowed:
            raise UrlRefused(f"{which} {name} may be {_listed(allowed)}, and nothing else")
        if name in _UNSUPPORTED:
            raise UrlRefused(f"{which} {name} asks for what the service cannot do: leave it out")
        if not allowed and name not in _ANY_VALUE | _IGNORED:
            raise UrlRefused(f"{which} {_unknown(name)}")
    asked = {name: value for name, value in parameters.items() if value and name not in _IGNORED}
    return {"sslmode": "require"} | asked if asked.pop("ssl", "") else asked


def _unknown(name: str) -> str:
    shown = name if name.isidentifier() and name.isascii() else repr(name)
    instead = _OTHER_DRIVERS.get(name, "one of the server's own goes into options=-cNAME%3DVALUE")
    return f"{shown} is not one of libpq's: {instead}"


def _listed(values: tuple[str, ...]) -> str:
    return " or ".join(filter(None, (", ".join(values[:-1]), values[-1])))


def _from_service_file(
    name: str, file: str | None, environment: Mapping[str, str]
) -> dict[str, str]:
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
