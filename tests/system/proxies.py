"""nginx and HAProxy as docs/proxy has them, each before one service on loopback."""

import os
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.certificates import certified
from tests.ports import free_port, wait_for_port
from tests.waiting import WAIT_SECONDS

DOCS = Path(__file__).parents[2] / "docs" / "proxy"

LIFE_SECONDS = 1800
"""One that nobody stopped ends by itself after that."""


@dataclass(frozen=True)
class Proxy:
    port: int
    trust: ssl.SSLContext
    folder: Path

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def connect(self) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_SECONDS)
        return self.trust.wrap_socket(plain, server_hostname="127.0.0.1")


Command = Callable[[Path], Sequence[str | Path]]


def adapted(document: Path, changes: Mapping[str, str]) -> str:
    """The document, a configuration, with an operator's changes: each is to be made somewhere."""
    text = document.read_text()
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@contextmanager
def nginx(service: int) -> Iterator[Proxy]:
    port = free_port()
    with _folder() as folder:
        kept = "".join(
            f"{kind}_temp_path {folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        text = adapted(DOCS / "nginx.conf", {
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            "server 127.0.0.1:8000;": f"server 127.0.0.1:{service};",
            "certificate.pem": "server.pem",
            "key.pem": "server.pem",
            "/var/log/nginx": str(folder),
            "http {\n": f"http {{\n{kept}",
        })  # fmt: skip
        (folder / "nginx.conf").write_text(text)
        alone = f"daemon off; pid {folder}/pid;"
        options: list[str | Path] = [
            "-e",
            "stderr",
            "-p",
            folder,
            "-c",
            folder / "nginx.conf",
            "-g",
            alone,
        ]
        with _running(folder, port, "nginx", options) as proxy:
            yield proxy


@contextmanager
def haproxy(*services: int) -> Iterator[Proxy]:
    """Before each of them; its control socket is `control` in its folder."""
    port = free_port()
    servers = [f"server s{service} 127.0.0.1:{service}" for service in services]
    with _folder() as folder:
        text = adapted(DOCS / "haproxy.cfg", {
            "bind :443": f"bind 127.0.0.1:{port}",
            "server one 127.0.0.1:8000": "\n    ".join(servers),
            "maxconn 4000\n": f"maxconn 4000\n    stats socket {folder}/control level operator\n",
        })  # fmt: skip
        (folder / "haproxy.cfg").write_text(text)
        with _running(folder, port, "haproxy", ["-db", "-f", folder / "haproxy.cfg"]) as proxy:
            yield proxy


PROXIES: Mapping[str, Callable[[int], AbstractContextManager[Proxy]]] = {
    "nginx": nginx,
    "haproxy": haproxy,
}


@contextmanager
def _folder() -> Iterator[Path]:
    """With a certificate; whoever the proxy runs as owns it."""
    folder = Path(tempfile.mkdtemp(prefix="proxy-"))
    certified(folder)
    if os.geteuid() == 0:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "nobody")
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _running(folder: Path, port: int, name: str, options: Sequence[str | Path]) -> Iterator[Proxy]:
    program = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "make test-system installs it"
    limit = ["timeout", str(LIFE_SECONDS)] if shutil.which("timeout") else []
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*limit, program, *options],
            cwd=folder,
            user="nobody" if os.geteuid() == 0 else None,
            stdout=log,
            stderr=log,
        )
    try:
        wait_for_port(port, process, folder / "log")
        yield Proxy(port, ssl.create_default_context(cafile=folder / "certificate.pem"), folder)
    finally:
        process.terminate()
        process.wait(timeout=WAIT_SECONDS)
