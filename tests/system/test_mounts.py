"""The SQLite file as containers have it: mounted, and used by several users. Needs root."""

import os
import signal
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from shlex import quote

import pytest

from tests.serving import COMMAND, environment, serving
from tests.waiting import WAIT_SECONDS

USER = 12345
"""Who has no name on this machine."""

URL = "CHAT_SESSIONS_DATABASE_URL"
KEY = "CHAT_SESSIONS_DEVELOPMENT_KEY_FILE"


def mounted(*mounts: str, then: Sequence[str | Path]) -> list[str]:
    """The command, in a mount namespace of its own with these mounts."""
    script = " && ".join([*mounts, "exec " + " ".join(quote(str(word)) for word in then)])
    return ["unshare", "--mount", "sh", "-c", script]


def refusal(folder: Path, command: Sequence[str], file: Path) -> str:
    """The one line with which the command ends."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(**{URL: f"sqlite:///{file}"}),
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
    )
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize("name", ["chat.db", "my chats.db"])
@pytest.mark.parametrize("filesystem", ["another", "the same"])
def test_a_file_that_is_mounted_by_itself_is_refused(
    tmp_path: Path, name: str, filesystem: str
) -> None:
    """Its log would lie in a folder that goes with the container."""
    (container := tmp_path / "container").mkdir()
    (host := tmp_path / "host").mkdir()
    (host / name).touch()
    inside = container / name
    bound = " ".join(quote(str(path)) for path in (host / name, inside))
    mounts = [f"touch {quote(str(inside))}", f"mount --bind {bound}"]
    if filesystem == "another":
        mounts.insert(0, f"mount -t tmpfs tmpfs {container}")
    for command in (["migrate"], ["migrate", "--check"]):
        line = refusal(tmp_path, mounted(*mounts, then=[COMMAND, *command]), inside)
        assert line.startswith(f"chat-sessions: {inside} is mounted by itself")
        assert line.endswith(f"mount the folder {container} in place of the file")
    assert {found.name for found in host.iterdir()} == {name}
    assert (host / name).stat().st_size == 0


def test_a_folder_in_two_places_is_served_once(tmp_path: Path) -> None:
    """The file has two names, and one lock, also when its lock file is gone."""
    folders = [tmp_path / name for name in ("host", "first", "second")]
    for folder in folders:
        folder.mkdir()
    host, first, second = folders
    key = str(tmp_path / "chat-sessions-development-key.pem")
    binding = [f"mount --bind {host} {folder}" for folder in (first, second)]
    serve = mounted(binding[0], then=[COMMAND, "serve"])
    with (
        serving(tmp_path, command=serve, **{URL: f"sqlite:///{first}/chat.db", KEY: key}) as served,
        served.client() as client,
    ):
        assert client.post("/sessions", json={"title": "kept"}).status_code == 201
        for _ in range(2):
            migrate = mounted(binding[1], then=[COMMAND, "migrate"])
            line = refusal(tmp_path, migrate, second / "chat.db")
            assert "is served by another process" in line
            (host / "chat.db-lock").unlink(missing_ok=True)
        assert client.post("/sessions", json={}).status_code == 201


@pytest.mark.parametrize("file_is_there", [False, True])
def test_what_root_makes_belongs_to_the_owner_of_the_file_or_else_the_folder(
    tmp_path: Path, *, file_is_there: bool
) -> None:
    """A lock file that root has made before is given back."""
    folder, file = tmp_path / "data", tmp_path / "data" / "chat.db"
    folder.mkdir()
    if file_is_there:
        with closing(sqlite3.connect(file)) as new:
            new.execute("PRAGMA application_id=0x63686174")
        os.chown(file, USER, USER)
        (folder / "chat.db-lock").touch()
    else:
        os.chown(folder, USER, USER)
    with serving(folder, **{URL: f"sqlite:///{file}"}) as served, served.client() as client:
        assert client.post("/sessions", json={}).status_code == 201
        served.stop(signal.SIGKILL)
    made = {found.name: found.stat().st_uid for found in folder.iterdir()}
    for name in ("stdout", "stderr"):
        made.pop(name, None)
    key = "chat-sessions-development-key.pem"
    assert made == dict.fromkeys(
        ("chat.db", "chat.db-lock", "chat.db-shm", "chat.db-wal", key), USER
    )
