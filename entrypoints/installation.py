"""Check that a command runs the code of its own virtual environment."""

import sys
from pathlib import Path

from application.errors import StartRefused


def check_installation(command: str, environment: str = sys.prefix) -> None:
    """Raise StartRefused if the command is in one virtual environment and runs another's code.

    A copied checkout has such commands: each contains the path of the Python that it was installed
    for, which is still that of the original folder.
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
