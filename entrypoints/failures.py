"""What an operator is told of a command that failed."""

import traceback
from pathlib import Path

from application.errors import StartRefused, Unavailable
from domain.errors import InvalidValue


def described(error: Exception) -> str:
    """One line. Of what only a fault of the program's can bring about it has the kind and the
    places in the code, without a value: that could be a password or what someone said."""
    if isinstance(error, InvalidValue) and error.field:
        line = f"--{error.field[0]} {error.detail}"
    elif isinstance(error, StartRefused | Unavailable):
        line = str(error)
    elif isinstance(error, ImportError):
        line = f"the installation is not whole: {error}"
    elif isinstance(error, OSError) and error.strerror:
        where = error.filename or f"at {_places(error)}"
        line = f"{error.strerror}: {where}"
    else:
        line = f"failed by a fault of its own, please report it: {_history(error)}"
    return "".join(character if character.isprintable() else " " for character in line)


def _history(error: BaseException) -> str:
    """The error, and what it came from."""
    kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    told = f"{kind} at {_places(error)}"
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return f"{told}, from {_history(cause)}" if cause else told


def _places(error: BaseException) -> str:
    """Where it was raised, and who called, the innermost first."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    return " < ".join(f"{_short(frame.filename)}:{frame.lineno}" for frame in frames)


def _short(path: str) -> str:
    """The file with its folder, which is enough to find it by."""
    return "/".join(Path(path).parts[-2:])
