"""The standard streams, some of which may be closed when the process starts."""

import os
import sys
from typing import TextIO


def open_missing_streams() -> bool:
    """Make each standard stream that is closed lead to /dev/null, and tell whether somebody may
    read standard output.

    Else the next file that is opened takes its number, and what is printed goes into that file.
    """
    has_stdout = sys.stdout is not None
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    return has_stdout


def tell(text: str) -> None:
    """Print on standard error, whether or not somebody reads it."""
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except OSError:
        sys.stderr = _nowhere()


def leave_stdout() -> None:
    """Write what is left for standard output, or drop it where that fails: the interpreter would
    try again at its end, and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _nowhere() -> TextIO:
    return os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
