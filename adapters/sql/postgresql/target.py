"""What a URL leads to, read as libpq reads it (PostgreSQL's manual, section 34.1.1.2)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from getpass import getuser
from pathlib import Path

from adapters.sql.postgresql.parameters import UrlRefused, decoded, from_elsewhere, from_url

PORT = "5432"

SOCKET_FOLDERS = ("/run/postgresql", "/var/run/postgresql", "/tmp")  # noqa: S108 - where servers put it
"""Where a server's Unix socket is looked for when nothing names a host."""

_HOST = re.compile(r"\[(?P<address>[^\]]*)\](:(?P<v6port>.*))?|(?P<name>[^:]*)(:(?P<port>.*))?")


@dataclass(frozen=True, slots=True)
class Host:
    """A server by its name, its address or the folder of its Unix socket. `address` is where it is,
    if that need not be looked up."""

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
    """`parameters` are libpq's, by their names: those of the URL, and what else is set."""

    hosts: tuple[Host, ...]
    parameters: Mapping[str, str] = field(repr=False)

    @classmethod
    def parse(cls, url: str, environment: Mapping[str, str]) -> "Target":
        """Raises UrlRefused."""
        rest, _, query = url.partition("://")[2].partition("?")
        authority, _, database = rest.partition("/")
        credentials, _, hosts = authority.rpartition("@")
        user, _, password = credentials.partition(":")
        names, ports = _split(hosts)
        given = {
            "host": names if names.strip(",") else "",
            "port": ports if ports.strip(",") else "",
            "dbname": decoded(database),
            "user": decoded(user),
            "password": decoded(password),
        }
        given = {name: value for name, value in given.items() if value} | from_url(query)
        every = from_elsewhere(given, environment) | given
        return cls(tuple(_hosts(every)), every)

    @property
    def user(self) -> str:
        """Raises UrlRefused where there is none."""
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
    """Hosts with their ports, as two lists."""
    names, ports = [], []
    for each in hosts.split(","):
        parts = _HOST.fullmatch(each)
        if parts is None:
            raise UrlRefused("one of its hosts cannot be read")
        names.append(decoded(parts["address"] or parts["name"] or ""))
        ports.append(parts["v6port"] or parts["port"] or "")
    return ",".join(names), ",".join(ports)


def _hosts(given: Mapping[str, str]) -> Iterator[Host]:
    addresses = given.get("hostaddr", "").split(",") if given.get("hostaddr") else []
    names = given["host"].split(",") if given.get("host") else addresses or [""]
    if addresses and len(addresses) != len(names):
        raise UrlRefused("its hostaddr must have an address for each host")
    ports = given.get("port", "").split(",")
    if len(ports) not in (1, len(names)):
        raise UrlRefused("its port must be one, or one for each host")
    for place, name in enumerate(names):
        port = _number("port", ports[place % len(ports)] or PORT, most=65535)
        if name:
            yield Host(name, port, addresses[place] or None if addresses else None)
        else:
            yield from _default(port)


def _default(port: int) -> Iterator[Host]:
    """A Unix socket where there is one, else this machine."""
    sockets = [Host(folder, port) for folder in SOCKET_FOLDERS]
    yield next((each for each in sockets if Path(str(each)).is_socket()), Host("localhost", port))


def seconds(text: str) -> float | None:
    """A connect_timeout's; none or less of them is no limit of the URL's."""
    return _number("connect_timeout", text, least=-1, most=3600) or None


def _number(name: str, text: str, *, least: int = 1, most: int) -> int:
    if not re.fullmatch(r"-?[0-9]{1,10}", text.strip()) or not least <= int(text) <= most:
        raise UrlRefused(f"its parameter {name} must be a whole number, {most} at most")
    return max(0, int(text))
