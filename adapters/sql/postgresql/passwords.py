"""Passwords in a file (PostgreSQL's manual, section 34.16)."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from stat import S_IRWXG, S_IRWXO

from adapters.sql.postgresql.parameters import home_file, is_there
from adapters.sql.postgresql.target import SOCKET_FOLDERS, Host, Target

_FIELDS = re.compile(r"((?:\\.|[^\\:])*):" * 4 + r"((?:\\.|[^\\])*)")
"""Host, port, database, user and password; a backslash takes the meaning from what it precedes."""


def password_for(target: Target, host: Host) -> str | None:
    """The URL's or else, as the file is now, the first that fits there."""
    if given := target.parameters.get("password"):
        return given
    name = "localhost" if host.name in SOCKET_FOLDERS else host.name
    wanted = (name, str(host.port), target.database, target.user)
    for *fields, password in _entries(target.parameters):
        if all(field in ("*", value) for field, value in zip(fields, wanted, strict=True)):
            return password
    return None


def why_none(target: Target) -> str:
    """What an operator looks at when a password is asked for and there is none."""
    path = _path(target.parameters)
    if path is None or not is_there(path):
        return "the URL has no password, and there is no PGPASSFILE"
    if _is_shared(path):
        return f"{path} is not heeded, since others can read it: chmod 600"
    return f"the URL has no password, and no line of {path} fits"


def _entries(given: Mapping[str, str]) -> Iterator[list[str]]:
    path = _path(given)
    try:
        if path is None or _is_shared(path) or not path.is_file():
            return
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        if not line.startswith("#") and (parts := _FIELDS.fullmatch(line)):
            yield [re.sub(r"\\(.)", r"\1", part) for part in parts.groups()]


def _path(given: Mapping[str, str]) -> Path | None:
    file = given.get("passfile")
    return Path(file) if file else home_file(".pgpass")


def _is_shared(path: Path) -> bool:
    return bool(path.stat().st_mode & (S_IRWXG | S_IRWXO))
