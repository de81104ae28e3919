"""Find a server's password, in the URL or a password file (PostgreSQL's manual, section 34.16)."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from stat import S_IRWXG, S_IRWXO

from adapters.sql.postgresql.parameters import home_file, is_there
from adapters.sql.postgresql.target import SOCKET_FOLDERS, Host, Target

_FIELDS = re.compile(r"((?:\\.|[^\\:])*):" * 4 + r"((?:\\.|[^\\])*)")
"""A line's host, port, database, user and password; a backslash escapes the next character."""


def password_for(target: Target, host: Host) -> str | None:
    """Return the URL's password, or else that of the first line of the password file that matches.

    The file is read at each call.
    """
    if password := target.parameters.get("password"):
        return password
    name = "localhost" if host.name in SOCKET_FOLDERS else host.name
    wanted = (name, str(host.port), target.database, target.user)
    for *fields, password in _entries(target.parameters):
        if all(field in ("*", value) for field, value in zip(fields, wanted, strict=True)):
            return password
    return None


def explain_missing_password(target: Target) -> str:
    """Say why no password was found, and where the operator should look."""
    path = _path(target.parameters)
    if path is None or not is_there(path):
        named = target.parameters.get("passfile")
        return f"the URL has no password, and there is no {named or 'PGPASSFILE'}"
    if not path.is_file():
        return f"the URL has no password, and {path} is no file"
    if _is_shared(path):
        return f"{path} is not heeded, since others can read it: chmod 600"
    try:
        path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not in UTF-8"
        return f"the URL has no password, and {path} cannot be read: {why}"
    return f"the URL has no password, and no line of {path} fits"


def _entries(parameters: Mapping[str, str]) -> Iterator[list[str]]:
    path = _path(parameters)
    try:
        if path is None or _is_shared(path) or not path.is_file():
            return
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        if not line.startswith("#") and (parts := _FIELDS.fullmatch(line)):
            yield [re.sub(r"\\(.)", r"\1", part) for part in parts.groups()]


def _path(parameters: Mapping[str, str]) -> Path | None:
    file = parameters.get("passfile")
    return Path(file) if file else home_file(".pgpass")


def _is_shared(path: Path) -> bool:
    return bool(path.stat().st_mode & (S_IRWXG | S_IRWXO))
