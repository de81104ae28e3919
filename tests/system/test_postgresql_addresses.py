"""A name that stands for several addresses, of which one serves."""

import os
import re
import shlex
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.certificates import Authority
from tests.serving import COMMAND, environment, serving
from tests.system.postgresql_tls import TlsServer

URL = "CHAT_SESSIONS_DATABASE_URL"
SILENT, NOBODY, SERVED = "127.0.0.2", "127.0.0.3", "127.0.0.1"


@pytest.fixture(scope="module")
def ours() -> Authority:
    return Authority("ours")


@pytest.fixture(scope="module")
def server(ours: Authority) -> Iterator[TlsServer]:
    """At the one address with a certificate for the name, and at another one that never answers."""
    started = TlsServer(ours, ours)
    started.certify(*ours.issue("server", ["db.test"]))
    started.reload()
    started.server.new_database("chat")
    with socket.create_server((SILENT, started.server.port)):
        yield started
    started.remove()


def named(folder: Path, *addresses: str) -> list[Path | str]:
    """What runs the command where `db.test` has these addresses."""
    hosts = folder / "hosts"
    hosts.write_text("".join(f"{address} db.test\n" for address in addresses))
    how = ["--mount"] if os.geteuid() == 0 else ["--mount", "--map-root-user"]
    mounting = f'mount --bind {shlex.quote(str(hosts))} /etc/hosts && exec "$0" "$@"'
    return ["unshare", *how, "sh", "-c", mounting, COMMAND]


def test_each_address_is_tried_and_the_certificate_held_against_the_name(
    server: TlsServer, ours: Authority, tmp_path: Path
) -> None:
    (tmp_path / "ours.pem").write_bytes(ours.pem)
    url = server.url(host="db.test", sslmode="verify-full", sslrootcert=tmp_path / "ours.pem")
    command = named(tmp_path, NOBODY, SILENT, SERVED)
    migrated = subprocess.run([*command, "migrate"], env=environment(**{URL: url}), check=False)
    assert migrated.returncode == 0
    with (
        serving(tmp_path, command=[*command, "serve"], **{URL: url}) as served,
        served.client() as client,
    ):
        assert client.post("/sessions", json={}).status_code == 201


def test_each_address_that_failed_is_named(server: TlsServer, tmp_path: Path) -> None:
    """With its cause."""
    settings = environment(**{URL: server.url(host="db.test")})
    settings |= {"CHAT_SESSIONS_DATABASE_CONNECT_SECONDS": "1.5"}
    with socket.create_server(("127.0.0.4", server.server.port)):
        command = named(tmp_path, SILENT, NOBODY, "127.0.0.4")
        refused = subprocess.run(
            [*command, "check-config", "--connect"],
            env=settings,
            capture_output=True,
            text=True,
            check=False,
        )
    assert refused.returncode == 1
    assert re.findall(r"db\.test:\d+ \((\S+)\): (.+?)(?:; |$)", refused.stderr.strip()) == [
        (SILENT, "no answer within 1.5 s"),
        (NOBODY, "Connection refused"),
        ("127.0.0.4", "no answer within 1.5 s"),
    ]
