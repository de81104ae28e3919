"""The image does what docs/platforms/compose.md says of it, read-only."""

import os
from pathlib import Path

import httpx2
import pytest

from tests.databases import server
from tests.identity_provider import provider
from tests.image.containers import USER, Container, configuration, container, engine
from tests.tally import Tally

SIZE_MAX = 200_000_000
START_SECONDS = 2.0
"""Of a processor's time, to /readyz: a machine that is busy with other things takes longer."""

HOST, DATABASE = "CHAT_SESSIONS_HOST", "CHAT_SESSIONS_DATABASE_URL"
SAID = {"messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What somebody has made for a volume."""
    folder = tmp_path / "volume"
    folder.mkdir()
    folder.chmod(0o770)
    os.chown(folder, int(USER.partition(":")[0]), 0)
    return folder


def client(served: Container, token: str) -> httpx2.Client:
    url, headers = f"http://127.0.0.1:{served.port}", {"Authorization": f"Bearer {token}"}
    return httpx2.Client(base_url=url, headers=headers, timeout=20)


def total(served: Container, token: str) -> int:
    with client(served, token) as asking:
        found: int = asking.get("/sessions").json()["pagination"]["total"]
    return found


def test_it_is_small_and_says_what_it_is() -> None:
    image = configuration()
    assert image["Size"] < SIZE_MAX
    assert image["Config"]["User"] == USER
    assert list(image["Config"]["Volumes"]) == ["/data"]
    labels = {name.rpartition(".")[2]: text for name, text in image["Labels"].items()}
    assert labels["title"] == "chat-sessions"
    assert "unknown" not in {labels["version"], labels["revision"], labels["created"]}


LOOK = """
import importlib.util, pathlib, sysconfig
python = [*pathlib.Path(sysconfig.get_path("stdlib")).rglob("*.py")]
python += pathlib.Path(sysconfig.get_path("purelib")).rglob("*.py")
compiled = map(pathlib.Path, map(importlib.util.cache_from_source, python))
lack = [path for path in compiled if not path.exists()]
print(len(python) > 2000, *lack, *pathlib.Path("/bin").glob("*sh"))
"""


def test_it_has_no_shell_and_all_its_bytecode() -> None:
    with container("-c", LOOK, options=["--entrypoint=/opt/venv/bin/python3"]) as looking:
        assert looking.run() == (0, "True\n")


@pytest.mark.parametrize("user", [USER, "1000730000:0"], ids=["image", "openshift"])
def test_it_serves_a_volume_and_keeps_it(folder: Path, user: str, tally: Tally) -> None:
    """As process 1 without any privilege. What was acknowledged is there after kill -9, and SIGTERM
    ends it with 0."""
    if user != USER:
        os.chown(folder, 0, 0)
    with container(folder=folder, user=user) as served:
        took = [served.start()]
        status = served.status()
        assert status["NSpid"][-1] == "1"
        assert {*status["Uid"]} == {user.partition(":")[0]}
        assert int(status["CapEff"][0], 16) == 0
        assert status["NoNewPrivs"] == ["1"]
        token = served.execute("chat-sessions", "token", "--subject=alice").stdout.strip()
        with client(served, token) as asking:
            assert asking.post("/sessions", json=SAID).status_code == 201
        served.stop("KILL")
        took.append(served.start())
        assert total(served, token) == 1
        assert served.stop("TERM") == 0
        took.append(served.start())
        assert total(served, token) == 1
        worked = [processor for _, processor in took]
        for passed, processor in took:
            figure = f"{passed:.2f} s, of a processor's time {processor:.2f} s"
            tally.note("", "start to /readyz", figure)
        assert max(worked) < START_SECONDS


def test_as_process_1_it_hears_sigterm_from_the_first_moment(folder: Path) -> None:
    with container(folder=folder) as starting:
        engine("start", starting.name)
        assert starting.stop("TERM") == 0


def test_its_health_check_is_about_the_process(folder: Path) -> None:
    """It fails where nothing listens, and needs no shell."""
    kind, *command = configuration()["Healthcheck"]["Test"]
    assert kind == "CMD"
    with container(folder=folder) as served:
        served.start()
        assert served.execute(*command).returncode == 0
        elsewhere = f"--env=CHAT_SESSIONS_PORT={served.port - 1}"
        assert engine("exec", elsewhere, served.name, *command).returncode == 1


def test_without_a_provider_it_says_what_to_set() -> None:
    with container(settings={}) as refused:
        code, line = refused.run()
    assert code == 1
    assert line.count("\n") == 1
    for setting in (HOST, "CHAT_SESSIONS_OIDC_ISSUER", "CHAT_SESSIONS_OIDC_AUDIENCE"):
        assert setting in line


def test_it_migrates_postgresql_and_serves_a_provider_on_every_address() -> None:
    settings = provider().settings | {DATABASE: server().new_database("image")}
    with container("serve", settings=settings) as early:
        code, line = early.run()
        assert (code, "chat-sessions migrate" in line) == (1, True), line
    for command in (("migrate",), ("migrate", "--check"), ("purge",)):
        with container(*command, settings=settings) as job:
            code, line = job.run()
            assert code == 0, line
    with container(settings=settings) as served:
        served.start()
        with client(served, provider().token("alice")) as asking:
            assert asking.post("/sessions", json=SAID).status_code == 201
        assert served.stop("TERM") == 0
