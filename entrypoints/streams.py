"""Open the standard streams that are closed when the process starts, and write to them safely."""

import os
import sys
from typing import TextIO


def open_missing_streams() -> bool:
    """Open each closed standard stream on /dev/null, and return whether standard output was open.

    Otherwise the next file that is opened takes its number, and printing writes into that file.
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


def write_stderr(text: str) -> None:
    """Write a line to standard error, whether or not anybody reads it."""
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except OSError:
        sys.stderr = _nowhere()


def leave_stdout() -> None:
    """Flush standard output, or drop what is left if that fails: the interpreter would try again at
    its end, and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _nowhere() -> TextIO:
    return os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
