"""A target is the hosts and parameters of a URL, read as libpq reads it (PostgreSQL's manual,
section 34.1.1.2)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from getpass import getuser
from pathlib import Path

from adapters.sql.postgresql.parameters import UrlRefused, decoded, from_environment, from_url

PORT = "5432"

SOCKET_FOLDERS = ("/run/postgresql", "/var/run/postgresql", "/tmp")  # noqa: S108 - where servers put it
"""The folders that may have a server's Unix socket, for a URL without a host."""

_HOST = re.compile(r"\[(?P<address>[^\]]*)\](:(?P<v6port>.*))?|(?P<name>[^:]*)(:(?P<port>.*))?")


@dataclass(frozen=True, slots=True)
class Host:
    """A host is a server's name, address or folder of its Unix socket, with its port.

    With an `address` the name is not looked up.
    """

    name: str
    port: int
    address: str | None = None

    @property
    def is_socket(self) -> bool:
        return self.name.startswith("/")

    def __str__(self) -> str:
        if self.is_socket:
            return f"{self.name}/.s.PGSQL.{self.port}"
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


@dataclass(frozen=True, slots=True)
class Target:
    """A target has the hosts to connect to and libpq's parameters, wherever they are set."""

    hosts: tuple[Host, ...]
    parameters: Mapping[str, str] = field(repr=False)

    @classmethod
    def parse(cls, url: str, environment: Mapping[str, str]) -> "Target":
        """Read the URL and the environment. Raises UrlRefused."""
        rest, _, query = url.partition("://")[2].partition("?")
        authority, _, database = rest.partition("/")
        credentials, _, hosts = authority.rpartition("@")
        user, _, password = credentials.partition(":")
        names, ports = _split(hosts)
        parameters = {
            "host": names if names.strip(",") else "",
            "port": ports if ports.strip(",") else "",
            "dbname": decoded(database),
            "user": decoded(user),
            "password": decoded(password),
        }
        parameters = {name: value for name, value in parameters.items() if value} | from_url(query)
        every = from_environment(parameters, environment) | parameters
        return cls(tuple(_hosts(every)), every)

    @property
    def user(self) -> str:
        """The user to connect as. Raises UrlRefused if there is none."""
        try:
            return self.parameters.get("user") or getuser()
        except (KeyError, OSError) as error:  # a number without a name
            raise UrlRefused(
                "it names no user, and whoever runs the service has no name"
            ) from error

    @property
    def database(self) -> str:
        return self.parameters.get("dbname") or self.user


def _split(hosts: str) -> tuple[str, str]:
    """Return the hosts, and their ports, each as a list separated by commas."""
    names, ports = [], []
    for each in hosts.split(","):
        parts = _HOST.fullmatch(each)
        if parts is None:
            raise UrlRefused("one of its hosts cannot be read")
        names.append(decoded(parts["address"] or parts["name"] or ""))
        ports.append(parts["v6port"] or parts["port"] or "")
    return ",".join(names), ",".join(ports)


def _hosts(parameters: Mapping[str, str]) -> Iterator[Host]:
    addresses = parameters.get("hostaddr", "").split(",") if parameters.get("hostaddr") else []
    names = parameters["host"].split(",") if parameters.get("host") else addresses or [""]
    if addresses and len(addresses) != len(names):
        raise UrlRefused("its hostaddr must have an address for each host")
    ports = parameters.get("port", "").split(",")
    if len(ports) not in (1, len(names)):
        raise UrlRefused("its port must be one, or one for each host")
    for place, name in enumerate(names):
        port = _number("port", ports[place % len(ports)] or PORT, most=65535)
        if name:
            yield Host(name, port, addresses[place] or None if addresses else None)
        else:
            yield from _default(port)


def _default(port: int) -> Iterator[Host]:
    """Yield the first Unix socket that exists, or else localhost."""
    sockets = [Host(folder, port) for folder in SOCKET_FOLDERS]
    yield next((each for each in sockets if Path(str(each)).is_socket()), Host("localhost", port))


def seconds(text: str) -> float | None:
    """Read a connect_timeout. Zero or less means that the URL sets no limit: None."""
    return _number("connect_timeout", text, least=-1, most=3600) or None


def _number(name: str, text: str, *, least: int = 1, most: int) -> int:
    if not re.fullmatch(r"-?[0-9]{1,10}", text.strip()) or not least <= int(text) <= most:
        raise UrlRefused(f"its parameter {name} must be a whole number, {most} at most")
    return max(0, int(text))
