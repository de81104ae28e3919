"""A Python that whoever the programs run as may run, with the packages of this environment."""

import shutil
import sys
from pathlib import Path

from tests.postgresql import may_read
from tests.programs import USER

LEFT_OUT = shutil.ignore_patterns(
    "config-*", "ensurepip", "idlelib", "site-packages", "test", "tkinter", "*.a"
)


class Python:
    """The one that runs this, or its copy in the folder where its own place is not for everyone."""

    def __init__(self, folder: Path) -> None:
        self.program = Path(sys.executable)
        self.environment: dict[str, str] = {}
        if USER is not None and not may_read(self.program.resolve(), USER):
            self._copy(folder / "python")

    def _copy(self, to: Path) -> None:
        base, version = Path(sys.base_prefix), f"python{sys.version_info[0]}.{sys.version_info[1]}"
        shutil.copytree(base / "lib" / version, to / "lib" / version, ignore=LEFT_OUT)
        for library in (base / "lib").glob("libpython*.so*"):
            shutil.copy(library, to / "lib")
        (to / "bin").mkdir()
        self.program = to / "bin" / version
        shutil.copy(Path(sys.executable).resolve(), self.program)
        packages = next(path for path in map(Path, sys.path) if path.name == "site-packages")
        if not may_read(packages, str(USER)):
            packages = Path(shutil.copytree(packages, to / "packages"))
        self.environment = {
            "LD_LIBRARY_PATH": str(to / "lib"),
            "PYTHONPATH": str(packages),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
