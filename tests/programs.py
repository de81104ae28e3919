"""Programs of the system's packages, each in a folder of its own and none as root."""

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

from tests.ports import wait_for_port
from tests.waiting import WAIT_SECONDS

LIFE_SECONDS = 3600
"""One that nobody stopped ends by itself after that."""

USER = "nobody" if os.geteuid() == 0 else None

NOTHING: Mapping[str, str] = MappingProxyType({})


class Program:
    """A process group: the program, and what limits its life. With a port, it listens there once
    it is started."""

    def __init__(
        self,
        folder: Path,
        command: Sequence[str | Path],
        environment: Mapping[str, str] = NOTHING,
        port: int = 0,
    ) -> None:
        self.folder = folder
        self.port = port
        self._command = command
        self._environment = environment
        self.start()
        atexit.register(self.kill)

    def start(self) -> None:
        name, *options = self._command
        program = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
        assert program, f"{name}: make test-system or make test-cluster installs it"
        limit = ["timeout", str(LIFE_SECONDS)] if shutil.which("timeout") else []
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*limit, program, *options],
                user=USER,
                group="nogroup" if USER else None,
                extra_groups=[] if USER else None,
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **self._environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if self.port:
            wait_for_port(self.port, self._process, self.folder / "log")

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def hang(self) -> None:
        os.killpg(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.killpg(self._process.pid, signal.SIGCONT)

    def remove(self) -> None:
        """The folder goes with it."""
        self.kill()
        atexit.unregister(self.kill)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        if self.runs:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, how)
        self._process.wait(timeout=WAIT_SECONDS)


def new_folder(name: str) -> Path:
    """It belongs to whoever the programs run as."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir="/tmp"))
    if USER:
        shutil.chown(folder, USER)
    return folder


@contextmanager
def running(folder: Path, command: Sequence[str | Path], port: int = 0) -> Iterator[Program]:
    program = Program(folder, command, port=port)
    try:
        yield program
    finally:
        program.remove()
