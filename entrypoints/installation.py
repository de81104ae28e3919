"""Checks that a command runs the code of its own virtual environment."""

import sys
from pathlib import Path

from application.errors import StartRefused


def check_installation(command: str, environment: str = sys.prefix) -> None:
    """Raise StartRefused where the command lies in one virtual environment and runs another's code.

    A copied checkout has such commands: each names the Python that it was installed for by its
    path, and that is still the one of the folder that was copied.
    """
    folder = Path(command).resolve().parent.parent
    if (folder / "pyvenv.cfg").exists() and folder != Path(environment).resolve():
        is_checkout = (folder.parent / "Makefile").exists()
        anew = (
            f"make install, in {folder.parent}, makes it anew"
            if is_checkout
            else "make a new environment there, and install the release into it"
        )
        raise StartRefused(
            f"{folder} is a copy whose commands run the code of {environment}: {anew}"
        )
