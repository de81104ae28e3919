"""A real Redis server to strike at."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from redis import Redis

from tests.ports import free_port, wait_for_port
from tests.waiting import WAIT_SECONDS

LIFE_SECONDS = 900
"""One that nobody stopped ends by itself after that."""

QUICK = ("--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--daemonize", "no")


class RedisServer:
    """On a free port of loopback, with nothing on disk. It does not run as root. With a certificate
    and its key, in PEM, it speaks TLS alone."""

    def __init__(self, *options: str, certificate: bytes | None = None) -> None:
        self._user = "nobody" if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="redis-"))
        self._folder.chmod(0o755)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self._options = (*options, *QUICK, "--port", str(self.port))
        if certificate:
            file = self._folder / "certificate.pem"
            file.write_bytes(certificate)
            self._options = (*options, *QUICK, "--port", "0", "--tls-port", str(self.port))
            for what in ("cert-file", "key-file", "ca-cert-file"):
                self._options += (f"--tls-{what}", str(file))
            self._options += ("--tls-auth-clients", "no")
        self._scheme = "rediss" if certificate else "redis"
        self.start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}/0"

    def client(self) -> Redis:
        return Redis(port=self.port, decode_responses=True)

    def start(self) -> None:
        limit = ["timeout", str(LIFE_SECONDS)] if shutil.which("timeout") else []
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*limit, "redis-server", *self._options],
                cwd="/",
                user=self._user,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for_port(self.port, self._process, self._folder / "log")

    def kill(self) -> None:
        assert self._process
        self._signal(signal.SIGKILL)
        self._process.wait(timeout=WAIT_SECONDS)

    def hang(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def remove(self) -> None:
        if self._process and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _signal(self, how: signal.Signals) -> None:
        """To it and to the one that limits its life: they are a process group of their own."""
        assert self._process
        os.killpg(self._process.pid, how)
