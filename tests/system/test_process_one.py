"""As a container runs it: process 1 of its own, or a user without a name. Both take root to do."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.serving import COMMAND, awaits_signal, environment, started
from tests.waiting import wait_until

SECONDS = 20
"""To end in; what it waits for takes longer, or never comes."""

ALONE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


@contextmanager
def process_one(
    folder: Path, command: str, **settings: str
) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """The command as process 1, by its number outside, and the program that waits for it."""
    with started(command, folder=folder, command=(*ALONE, COMMAND), **settings) as outer:
        wait_until(lambda: any(map(has_begun, children(outer.pid))))
        (inner,) = children(outer.pid)
        yield inner, outer


def has_begun(process: int) -> bool:
    """Whether it is past what `unshare` does before it runs the command, and waits for signals."""
    name = Path(f"/proc/{process}/comm").read_text().strip()
    return name == COMMAND.name and awaits_signal(process, signal.SIGTERM)


def children(parent: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


@pytest.mark.parametrize(
    ("command", "how", "code"),
    [
        ("serve", signal.SIGTERM, 0),
        ("migrate", signal.SIGTERM, 128 + signal.SIGTERM),
        ("purge", signal.SIGINT, 128 + signal.SIGINT),
    ],
)
@pytest.mark.parametrize("waits", [False, True], ids=["at once", "while it waits"])
def test_process_one_ends_on_a_signal(
    tmp_path: Path, command: str, how: signal.Signals, code: int, *, waits: bool
) -> None:
    """From its first moment, and where it waits for a database that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as database:
        database.settimeout(60)
        settings = {
            "CHAT_SESSIONS_DATABASE_URL": f"postgresql://u@127.0.0.1:{database.getsockname()[1]}/d",
            "CHAT_SESSIONS_DATABASE_CONNECT_SECONDS": "60",
        }
        with process_one(tmp_path, command, **settings) as (inner, outer):
            connection = database.accept()[0] if waits else None
            os.kill(inner, how)
            assert outer.wait(SECONDS) == code
            assert outer.communicate() == ("", "")
            if connection:
                connection.close()


def test_process_one_drains_and_closes_what_it_serves(tmp_path: Path) -> None:
    settings = {"CHAT_SESSIONS_DRAIN_SECONDS": "0"}
    with process_one(tmp_path, "serve", **settings) as (inner, outer):
        assert outer.stderr
        for line in outer.stderr:
            if not line.strip():
                break
        assert (tmp_path / "chat-sessions.db-wal").exists()
        os.kill(inner, signal.SIGTERM)
        assert outer.wait(SECONDS) == 0
    assert not (tmp_path / "chat-sessions.db-wal").exists()


NAMELESS = (
    *("setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"),
    *("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"),
)
"""A user of whom the machine knows nothing, who can read the programs wherever they are."""


def test_a_user_without_a_name_or_a_home_can_do_all_of_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    known = {"HOME", "USER", "LOGNAME", "LNAME", "USERNAME"}
    kept = {name: value for name, value in environment().items() if name not in known}

    def run(command: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*NAMELESS, COMMAND, *command.split()],
            cwd=tmp_path,
            env=kept | settings,
            capture_output=True,
            text=True,
            check=False,
        )

    for command in ("migrate", "purge", "token --subject alice"):
        done = run(command, HOME="/nonexistent") if command == "purge" else run(command)
        assert (done.returncode, done.stderr) == (0, "")
    refused = run("migrate", CHAT_SESSIONS_DATABASE_URL="postgresql://127.0.0.1:1/d")
    assert refused.returncode == 1
    assert refused.stderr.startswith("chat-sessions: ")
    assert refused.stderr.count("\n") == 1
    assert "no user" in refused.stderr
