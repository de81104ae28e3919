"""Open files so that the service's user can open them later, and say why one cannot be opened."""

import errno
import os
import pwd
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def open_or_create(path: Path, owner: os.stat_result) -> tuple[int, bool]:
    """Open the file to read and write, or create it with mode 0600, and return whether it is new.

    A file that root creates is given to `owner`, so that a service of another user can open it.
    Raises OSError.
    """
    flags = os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        file = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(path, flags), False
    give(file, owner)
    return file, True


def give(file: int, owner: os.stat_result) -> None:
    """Change the open file's owner if root owns it and this process may do that."""
    if os.geteuid() == 0 and os.fstat(file).st_uid == 0 != owner.st_uid:
        with suppress(OSError):
            os.fchown(file, owner.st_uid, owner.st_gid)


def refusal(error: OSError, path: Path) -> str:
    """Say in one line why the path, or the file that the error names, cannot be opened."""
    named = path if error.filename is None else Path(os.fsdecode(error.filename))
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return f"cannot open {path}: {error.strerror}: there is no folder {path.parent}"
    whose = _whose(named) if error.errno in {errno.EACCES, errno.EPERM} else ""
    return f"cannot open {named}: {error.strerror}{whose}"


def unusable(paths: Iterable[Path]) -> str | None:
    """Say in one line which of the existing files is the first that may not be written, if any."""
    effective = os.access in os.supports_effective_ids
    for path in paths:
        if path.exists() and not os.access(path, os.R_OK | os.W_OK, effective_ids=effective):
            if os.statvfs(path).f_flag & os.ST_RDONLY:
                return f"cannot write {path}: {os.strerror(errno.EROFS)}"
            return f"cannot write {path}{_whose(path)}"
    return None


def _whose(path: Path) -> str:
    with suppress(OSError):
        found, what = (path, "it") if path.exists() else (path.parent, "its folder")
        status = found.stat()
        whose = f"{_name(status.st_uid)}, mode {stat.S_IMODE(status.st_mode):04o}"
        return f": {what} belongs to {whose}, and this process runs as {_name(os.geteuid())}"
    return ""


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"
