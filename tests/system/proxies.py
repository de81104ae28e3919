"""nginx and HAProxy as docs/proxy has them, each before one service on loopback."""

import shutil
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.certificates import certified
from tests.ports import free_port
from tests.programs import USER, new_folder, running
from tests.waiting import WAIT_SECONDS

DOCS = Path(__file__).parents[2] / "docs" / "proxy"


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


def adapted(document: Path, changes: Mapping[str, str]) -> str:
    """The document, a configuration, with an operator's changes: each is to be made somewhere."""
    text = document.read_text()
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@contextmanager
def nginx(service: int) -> Iterator[Proxy]:
    port, folder = free_port(), _folder()
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
    options: list[str | Path] = ["-e", "stderr", "-p", folder, "-c", folder / "nginx.conf"]
    with _running(
        folder, port, ["nginx", *options, "-g", f"daemon off; pid {folder}/pid;"]
    ) as made:
        yield made


@contextmanager
def haproxy(*services: int) -> Iterator[Proxy]:
    """Before each of them; its control socket is `control` in its folder."""
    port, folder = free_port(), _folder()
    servers = [f"server s{service} 127.0.0.1:{service}" for service in services]
    text = adapted(DOCS / "haproxy.cfg", {
        "bind :443": f"bind 127.0.0.1:{port}",
        "server one 127.0.0.1:8000": "\n    ".join(servers),
        "maxconn 4000\n": f"maxconn 4000\n    stats socket {folder}/control level operator\n",
    })  # fmt: skip
    (folder / "haproxy.cfg").write_text(text)
    with _running(folder, port, ["haproxy", "-db", "-f", folder / "haproxy.cfg"]) as made:
        yield made


PROXIES: Mapping[str, Callable[[int], AbstractContextManager[Proxy]]] = {
    "nginx": nginx,
    "haproxy": haproxy,
}


def _folder() -> Path:
    """With a certificate; whoever the proxy runs as owns it."""
    folder = new_folder("proxy")
    certified(folder)
    for path in folder.iterdir():
        if USER:
            shutil.chown(path, USER)
    return folder


@contextmanager
def _running(folder: Path, port: int, command: Sequence[str | Path]) -> Iterator[Proxy]:
    trust = ssl.create_default_context(cafile=folder / "certificate.pem")
    with running(folder, command, port):
        try:
            yield Proxy(port, trust, folder)
        except BaseException:
            # Beside the failure: which service it took out and why, and what it refused.
            said = (folder / "log").read_text(errors="replace").splitlines()
            print(*(line for line in said if '"status":2' not in line), sep="\n")
            raise
