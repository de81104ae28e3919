"""The service as a process of the project's environment, on a port that it keeps."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[3]
COMMAND = ROOT / ".venv" / "bin" / "chat-sessions"
WAIT_SECONDS = 60


class Service:
    """On a file, so that what is stored outlives it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = "http://127.0.0.1:0"
        self.token = cache(self._token)
        self.start()

    @property
    def address(self) -> tuple[str, int]:
        url = urlsplit(self.url)
        return str(url.hostname), int(url.port or 0)

    def start(self) -> None:
        log = (self.folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [COMMAND, "serve"],
                cwd=self.folder,
                env=self._environment(),
                stdout=log,
                stderr=subprocess.PIPE,
                text=True,
            )
        assert self._process.stderr
        lines = []
        for line in self._process.stderr:
            lines.append(line)
            found = re.search(r"^curl.*(http://[^/\s]+)", line)
            if found:
                self.url = found[1]
                return
        raise AssertionError("".join(lines))

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(timeout=WAIT_SECONDS)
        if self._process.stderr:
            self._process.stderr.close()

    def restart(self) -> None:
        """As after a crash: on the same file and port."""
        self.kill()
        self.start()

    def _token(self, who: str) -> str:
        done = subprocess.run(
            [COMMAND, "token", "--subject", who],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=True,
            timeout=WAIT_SECONDS,
        )
        return done.stdout.strip()

    def _environment(self) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if "CHAT_SESSIONS" not in name}
        return kept | {
            "CHAT_SESSIONS_PORT": str(self.address[1]),
            "CHAT_SESSIONS_RATE_LIMITS": "off",
        }


@contextmanager
def running(folder: Path) -> Iterator[Service]:
    service = Service(folder)
    try:
        yield service
    finally:
        service.kill()
