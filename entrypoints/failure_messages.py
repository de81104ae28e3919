"""Describe to an operator why a command failed."""

import errno
import traceback
from pathlib import Path

from application.errors import StartRefused, Unavailable
from domain.errors import InvalidValue


def described(error: Exception) -> str:
    """Describe the error in one line. An error that only a bug can cause is described by its class
    and its traceback, without values, which could be a password or a person's message."""
    if isinstance(error, InvalidValue) and error.field:
        line = f"--{error.field[0]} {error.detail}"
    elif isinstance(error, StartRefused | Unavailable):
        line = str(error)
    elif isinstance(error, ImportError):
        line = f"the installation is not whole: {error}"
    elif isinstance(error, OSError) and error.strerror:
        line = f"{error.strerror}: {error.filename or _unnamed(error)}"
    else:
        line = f"failed by a fault of its own, please report it: {_history(error)}"
    return "".join(character if character.isprintable() else " " for character in line)


def _unnamed(error: OSError) -> str:
    """Say what is known of an error that names no file."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return "standard output, or a file, cannot be written"
    return f"at {_places(error)}"


def _history(error: BaseException) -> str:
    """Describe an error and its causes."""
    kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    place = f"{kind} at {_places(error)}"
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return f"{place}, from {_history(cause)}" if cause else place


def _places(error: BaseException) -> str:
    """Return the places in the traceback, the innermost first."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    return " < ".join(f"{_short(frame.filename)}:{frame.lineno}" for frame in frames)


def _short(path: str) -> str:
    """Return the file's name with its folder's, which is enough to find it."""
    return "/".join(Path(path).parts[-2:])
