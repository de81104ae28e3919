"""TLS to PostgreSQL as libpq's parameters ask for it: who is trusted, and what is said if not."""

import asyncio
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest

from adapters.sql.postgresql.connect import Connector, Link
from adapters.sql.postgresql.connection_failures import CannotConnect
from adapters.sql.postgresql.options import PostgresqlOptions
from tests.certificates import DAY, Authority
from tests.serving import Served, run, serving
from tests.system.postgresql_tls import TlsServer
from tests.waiting import WAIT_SECONDS, await_until, wait_until

URL = "CHAT_SESSIONS_DATABASE_URL"
RECYCLE = {"CHAT_SESSIONS_DATABASE_POOL_RECYCLE_SECONDS": "0.1"}
"""So that nearly every request makes a connection of its own."""


@dataclass
class Estate:
    """A server, and files of certificates by their names."""

    server: TlsServer
    ours: Authority
    theirs: Authority
    folder: Path

    def file(self, name: str) -> Path:
        return self.folder / name

    def give(self, name: str, pair: tuple[bytes, bytes]) -> None:
        for end, content in zip(("crt", "key"), pair, strict=True):
            self.file(f"{name}.{end}").write_bytes(content)
            self.file(f"{name}.{end}").chmod(0o600)

    def show(self, *names: str, by: Authority | None = None, age: int = 0) -> None:
        """Have the server show another certificate from now on."""
        issued = (by or self.ours).issue("server", names, age=age * DAY)
        self.server.certify(*issued)
        self.server.reload()


@pytest.fixture(scope="module")
def shared() -> Iterator[Estate]:
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Authority("ours"), Authority("theirs")
        estate = Estate(TlsServer(ours, ours), ours, theirs, Path(folder))
        estate.file("ours.pem").write_bytes(ours.pem)
        estate.file("theirs.pem").write_bytes(theirs.pem)
        estate.give("known", ours.issue("known"))
        estate.give("locked", ours.issue("known", locked="open"))
        estate.give("somebody", ours.issue("somebody"))
        estate.give("foreign", theirs.issue("known"))
        estate.give("expired", ours.issue("known", age=3 * DAY))
        estate.server.server.new_database("chat")
        try:
            yield estate
        finally:
            estate.server.remove()


@pytest.fixture
def estate(shared: Estate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Estate]:
    """With a home that has nothing in it, and the server's first certificate after all."""
    monkeypatch.setenv("HOME", str(shared.file("home")))
    yield shared
    shared.show("localhost", "127.0.0.1")


NAMES = ("localhost", "127.0.0.1")
TRUSTED = "sslmode=verify-full&sslrootcert={}/ours.pem"
CLIENT = "sslmode=require&sslcert={{}}/{0}.crt&sslkey={{}}/{0}.key"

TAKEN = {
    "nothing said": ("chat", "", "TLSv1.3"),
    "allow": ("chat", "sslmode=allow", "TLSv1.3"),
    "require": ("chat", "sslmode=require", "TLSv1.3"),
    "verify-ca": ("chat", "sslmode=verify-ca&sslrootcert={}/ours.pem", "TLSv1.3"),
    "verify-full": ("chat", TRUSTED, "TLSv1.3"),
    "older": ("chat", f"{TRUSTED}&ssl_max_protocol_version=TLSv1.2", "TLSv1.2"),
    "bound": ("chat", "channel_binding=require&sslrootcert={}/ours.pem", "TLSv1.3"),
    "none where there is none": ("plain", "sslmode=prefer", None),
    "disable": ("plain", "sslmode=disable", None),
    "client certificate": ("known", CLIENT.format("known"), "TLSv1.3"),
    "its key locked": ("known", CLIENT.format("locked") + "&sslpassword=open", "TLSv1.3"),
}


@pytest.mark.parametrize(("user", "query", "version"), TAKEN.values(), ids=TAKEN)
async def test_it_is_spoken_as_the_url_asks(
    estate: Estate, user: str, query: str, version: str | None
) -> None:
    for host in NAMES:
        link = await linked(estate, user, host, query)
        in_use = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        assert await link.connection.fetchval(in_use) == version
        await link.connection.close()


REFUSED = {
    "no TLS": ("chat", "sslmode=disable", 'no pg_hba.conf entry for .* user "chat"'),
    "too much TLS": ("plain", "sslmode=require", 'no pg_hba.conf entry for .* user "plain"'),
    "another authority": (
        "chat",
        "sslmode=verify-full&sslrootcert={}/theirs.pem",
        "its TLS .* of an authority that is not trusted .* in .*/theirs.pem; name the server's in",
    ),
    "require with another authority": (
        "chat",
        "sslmode=require&sslrootcert={}/theirs.pem",
        "its TLS certificate is of an authority that is not trusted",
    ),
    "not the machine's": (
        "chat",
        "sslrootcert=system",
        "its TLS certificate is of an authority .*verify-full trusts those of this machine",
    ),
    "bound": (
        "chat",
        "sslmode=require&channel_binding=require",
        "its TLS certificate is of an authority .*channel_binding=require trusts those of this",
    ),
    "at once": ("chat", "sslmode=require&sslnegotiation=direct", ".* needs PostgreSQL 17"),
    "no client certificate": ("known", "sslmode=require", "connection requires a valid client"),
    "not sent": (
        "known",
        CLIENT.format("known") + "&sslcertmode=disable",
        "connection requires a valid client",
    ),
    "another's client certificate": (
        "known",
        CLIENT.format("somebody"),
        'certificate authentication failed for user "known"',
    ),
    "a client's of another authority": (
        "known",
        CLIENT.format("foreign"),
        r"refuses this client \(unknown ca\): is sslcert right|not take the certificate of sslcert",
    ),
    "a client's that has expired": (
        "known",
        CLIENT.format("expired"),
        r"refuses this client \(certificate expired\)|not take the certificate of sslcert",
    ),
    "no password": ("asked", "", "password authentication failed .*: the URL has no password"),
}


@pytest.mark.parametrize(("user", "query", "told"), REFUSED.values(), ids=REFUSED)
async def test_what_does_not_hold_is_said(estate: Estate, user: str, query: str, told: str) -> None:
    with pytest.raises(CannotConnect, match=told) as refused:
        await linked(estate, user, "localhost", query)
    at = f"cannot connect to PostgreSQL: localhost:{estate.server.server.port} (127.0.0.1): "
    assert str(refused.value).startswith(at)
    assert "secret" not in str(refused.value)


async def test_a_certificate_must_hold_for_its_name_and_now(estate: Estate) -> None:
    """Or it is said which of these it does not."""
    estate.show("db.example")
    for host in NAMES:
        with pytest.raises(CannotConnect, match="its TLS certificate is not for this"):
            await linked(estate, "chat", host, TRUSTED)
    link = await linked(estate, "chat", "localhost", TRUSTED.replace("full", "ca"))
    await link.connection.close()
    estate.show(*NAMES, age=3)
    with pytest.raises(CannotConnect, match="its TLS certificate has expired: renew it") as failed:
        await linked(estate, "chat", "localhost", TRUSTED)
    assert not failed.value.is_transient
    estate.show(*NAMES, age=-3)
    with pytest.raises(CannotConnect, match="its TLS certificate is not valid yet"):
        await linked(estate, "chat", "localhost", TRUSTED)


async def test_a_certificate_that_was_revoked_is_refused(estate: Estate) -> None:
    certificate, key = estate.ours.issue("server", NAMES)
    estate.server.certify(certificate, key)
    estate.server.reload()
    estate.file("crl.pem").write_bytes(estate.ours.revoking(certificate))
    with pytest.raises(CannotConnect, match="its TLS certificate has been revoked"):
        await linked(estate, "chat", "localhost", f"{TRUSTED}&sslcrl={estate.file('crl.pem')}")


async def test_files_in_their_usual_places_are_found(estate: Estate) -> None:
    """As psql finds them."""
    usual = estate.file("home") / ".postgresql"
    usual.mkdir(parents=True, exist_ok=True)
    try:
        (usual / "root.crt").write_bytes(estate.ours.pem)
        for end in ("crt", "key"):
            (usual / f"postgresql.{end}").write_bytes(estate.file(f"known.{end}").read_bytes())
            (usual / f"postgresql.{end}").chmod(0o600)
        link = await linked(estate, "known", "localhost", "sslmode=verify-full")
        await link.connection.close()
        (usual / "root.crt").write_bytes(estate.theirs.pem)
        with pytest.raises(CannotConnect, match=r"trusts those in .*/\.postgresql/root\.crt"):
            await linked(estate, "known", "localhost", "sslmode=require")
    finally:
        for file in usual.iterdir():
            file.unlink()


def test_the_whole_service_speaks_it(estate: Estate, tmp_path: Path) -> None:
    """With a client certificate, and libpq's variables in place of the URL's parameters."""
    variables = {
        URL: estate.server.url("known"),
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": str(estate.file("ours.pem")),
        "PGSSLCERT": str(estate.file("known.crt")),
        "PGSSLKEY": str(estate.file("known.key")),
    }
    assert run("migrate", folder=tmp_path, **variables).returncode == 0
    shown = run("check-config", "--connect", folder=tmp_path, **variables)
    at = f"localhost:{estate.server.server.port} (127.0.0.1)"
    assert f" at {at}, TLSv1.3, its certificate and name verified; its schema is up" in shown.stdout
    with serving(tmp_path, **variables) as served, served.client() as client:
        session = client.post("/sessions", json={"title": "over TLS"}).json()
        said = {"messages": [{"role": "user", "content": "hello"}]}
        assert client.post(f"/sessions/{session['id']}/messages", json=said).status_code == 201
        page = client.get(f"/sessions/{session['id']}/messages").json()
        assert [item["content"] for item in page["items"]] == ["hello"]


def test_certificates_are_renewed_and_authorities_changed_while_serving(
    estate: Estate, tmp_path: Path
) -> None:
    """With no request that fails: and a certificate that is not trusted is a 503, which heals."""
    trust = tmp_path / "trust.pem"
    trust.write_bytes(estate.ours.pem)
    url = estate.server.url(sslmode="verify-full", sslrootcert=trust)
    assert run("migrate", folder=tmp_path, **{URL: url}).returncode == 0
    settings = {URL: url, "CHAT_SESSIONS_LOG_FORMAT": "json", **RECYCLE}
    with serving(tmp_path, **settings) as served, served.client() as client:
        with steady(served) as answered:
            estate.show(*NAMES)
            answered.more()
            trust.write_bytes(estate.ours.pem + estate.theirs.pem)
            answered.more()
            estate.show(*NAMES, by=estate.theirs)
            answered.more()
            trust.write_bytes(estate.theirs.pem)
            answered.more()
        assert set(answered.statuses) <= {200, 201}
        estate.show(*NAMES)
        until(client, 503)
        estate.show(*NAMES, by=estate.theirs)
        until(client, 200)
    lines = [json.loads(line) for line in (tmp_path / "stdout").read_text().splitlines()]
    reasons = {line["reason"] for line in lines if line["event"] == "request.unavailable"}
    assert any("is of an authority that is not trusted" in reason for reason in reasons), reasons


def test_a_password_is_changed_while_serving(estate: Estate, tmp_path: Path) -> None:
    """In the file that has it: each new connection looks there."""
    passwords = tmp_path / "passwords"
    settings = {URL: estate.server.url("asked"), "PGPASSFILE": str(passwords), **RECYCLE}

    def write(password: str) -> None:
        passwords.write_text(f"localhost:*:chat:asked:{password}\n")
        passwords.chmod(0o600)

    write("secret")
    assert run("migrate", folder=tmp_path, **settings).returncode == 0
    with serving(tmp_path, **settings) as served, served.client() as client:
        until(client, 200)
        estate.server.server.execute("ALTER ROLE asked PASSWORD 'another'")
        until(client, 503)
        write("another")
        until(client, 200)
    estate.server.server.execute("ALTER ROLE asked PASSWORD 'secret'")


class Answered:
    """What a client that never rests has got so far."""

    def __init__(self) -> None:
        self.statuses: list[int] = []

    def more(self) -> None:
        """Until it has got some dozens more."""
        wanted = len(self.statuses) + 40
        wait_until(lambda: len(self.statuses) >= wanted)


@contextmanager
def steady(served: Served) -> Iterator[Answered]:
    answered, over = Answered(), threading.Event()

    def ask() -> None:
        with served.client() as client:
            for turn in count():
                if over.is_set():
                    return
                got = client.get("/sessions") if turn % 2 else client.post("/sessions", json={})
                answered.statuses.append(got.status_code)
                time.sleep(0.01)

    client = threading.Thread(target=ask)
    client.start()
    try:
        yield answered
    finally:
        over.set()
        client.join(timeout=WAIT_SECONDS)


def until(client: httpx2.Client, status: int) -> None:
    wait_until(lambda: client.get("/sessions").status_code == status)


async def linked(estate: Estate, user: str, host: str, query: str) -> Link:
    """Where it fails, once its sockets are closed."""
    given: dict[str, Any] = dict(
        part.split("=", 1) for part in query.replace("{}", str(estate.folder)).split("&") if part
    )
    loop: Any = asyncio.get_running_loop()
    before = len(loop._selector.get_map())  # noqa: SLF001 - nothing else tells
    try:
        return await Connector(PostgresqlOptions(url=estate.server.url(user, host, **given))).link()
    except CannotConnect:
        await await_until(lambda: len(loop._selector.get_map()) <= before)  # noqa: SLF001
        raise
