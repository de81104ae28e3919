"""Programs that a cluster is made of, each in a folder of its own and none as root."""

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

LIFE_SECONDS = 3600
"""One that nobody stopped ends by itself after that."""

USER = "nobody" if os.geteuid() == 0 else None

NOTHING: Mapping[str, str] = MappingProxyType({})

DOCS = Path(__file__).parents[2] / "docs" / "cluster"


class Program:
    """A process group: the program, and what limits its life."""

    def __init__(
        self, folder: Path, command: Sequence[str | Path], environment: Mapping[str, str] = NOTHING
    ) -> None:
        name, *options = command
        program = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
        assert program, f"{name}: make test-cluster installs it"
        limit = ["timeout", str(LIFE_SECONDS)] if shutil.which("timeout") else []
        with (folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*limit, program, *options],
                user=USER,
                group="nogroup" if USER else None,
                extra_groups=[] if USER else None,
                cwd=folder,
                env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        atexit.register(self.kill)

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self.runs:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, how)
        self._process.wait(timeout=30)


def new_folder(name: str) -> Path:
    """It belongs to whoever the programs run as."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir="/tmp"))
    if USER:
        shutil.chown(folder, USER)
    return folder


@contextmanager
def running(folder: Path, command: Sequence[str | Path]) -> Iterator[Program]:
    """The folder goes with it."""
    program = Program(folder, command)
    try:
        yield program
    finally:
        program.kill()
        shutil.rmtree(folder, ignore_errors=True)
