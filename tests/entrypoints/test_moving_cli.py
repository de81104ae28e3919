"""Everything out, and everything in, on the command line."""

import gzip
import io
import json
import os
import pty
import subprocess
from pathlib import Path
from typing import Any

import pytest

from entrypoints.cli import main
from tests.adapters.test_importers import CHATGPT, CLAUDE, OWN, zipped
from tests.databases import database_file, empty_database
from tests.moving import but_for_ids, session
from tests.serving import COMMAND, serving


@pytest.fixture(autouse=True)
def _sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHAT_SESSIONS_DATABASE_URL", f"sqlite:///{database_file(tmp_path)}")


@pytest.fixture(params=["sqlite", "postgresql"])
def _database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either of them, for what depends on it."""
    if request.param == "postgresql":
        monkeypatch.setenv("CHAT_SESSIONS_DATABASE_URL", empty_database("plain"))


def out(capfdbinary: pytest.CaptureFixture[bytes], subject: str = "alice", *more: str) -> list[Any]:
    capfdbinary.readouterr()
    assert main(["export", "--subject", subject, *more]) == 0
    return [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]


@pytest.mark.usefixtures("_database")
def test_what_is_exported_is_imported_as_it_was(
    capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    (tmp_path / "chatgpt.zip").write_bytes(zipped(conversations__json=json.dumps(CHATGPT).encode()))
    (tmp_path / "claude.json").write_text(json.dumps(CLAUDE))
    assert main(["import", "claude.json", "--subject", "alice"]) == 0
    assert main(["import", "chatgpt.zip", "--subject", "alice"]) == 1
    lines = out(capfdbinary)
    assert lines[-1] == {"type": "footer", "sessions": 5, "messages": 12}
    (tmp_path / "alice.gz").write_bytes(
        gzip.compress(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    )
    assert main(["import", "alice.gz", "--subject", "bob", "--dry-run"]) == 0
    assert len(out(capfdbinary, "bob")) == 2
    for _ in range(2):
        assert main(["import", "alice.gz", "--subject", "bob"]) == 0
        assert but_for_ids(out(capfdbinary, "bob")) == but_for_ids(lines)
    one = out(capfdbinary, "bob", "--session", "ext:k-1")
    assert [line["type"] for line in one] == ["header", "session", "message", "message", "footer"]
    assert one[1]["external_id"] == "k-1"
    assert len(out(capfdbinary, "bob", "--issuer", "https://other.example")) == 2


def test_it_is_said_what_was_stored_and_what_was_left_out(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "c.json").write_text(json.dumps(CHATGPT))
    assert main(["import", "c.json", "--subject", "alice"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told == [
        "read as chatgpt",
        "created: 2 sessions with 6 messages",
        "kept as they are: 0 sessions",
        "refused: 1 session",
        "  conversation 2 has no messages as chatgpt has them",
        "left out: 2 x empty system messages",
        "left out: 2 x hidden messages, which nobody was shown",
        "left out: 2 x files, which the export does not hold: the body names them",
    ]


def test_standard_input_is_a_file_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stdin:
        buffer = io.BufferedReader(io.BytesIO(OWN))
        closed = False

    monkeypatch.setattr("sys.stdin", Stdin())
    assert main(["import", "-", "--subject", "alice"]) == 1
    assert "refused: 1 session\n  o: line 4: it is not JSON" in capsys.readouterr().out


REFUSED = [
    ("import nothing.json --subject a", 1, "No such file or directory: nothing.json"),
    ("import own --subject a --from x", 2, "Invalid value for '--from': must be one of chatgpt, "),
    ("import own", 2, "Missing option '--subject'"),
    ("import odd --subject a", 1, "the file is of no kind that is known: say --from "),
    ("export --subject a --session ext:x", 1, "a has no session that --session names"),
]


@pytest.mark.parametrize(("command", "code", "line"), REFUSED)
def test_what_cannot_be_done_is_one_line(
    command: str, code: int, line: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "own").write_bytes(OWN)
    (tmp_path / "odd").write_text('{"a": 1}')
    if code == 1:
        assert main(command.split()) == code
    else:
        with pytest.raises(SystemExit):
            main(command.split())
    told = capsys.readouterr()
    assert told.err.splitlines()[-1].startswith(f"chat-sessions: {line}")
    assert told.out.splitlines() == []


def test_a_terminal_shows_how_far_it_is(tmp_path: Path) -> None:
    lines = [
        line for number in range(300) for line in session(f"s{number}", {"content": "x" * 500})
    ]
    (tmp_path / "file").write_text("\n".join(json.dumps(line) for line in lines))
    shown, terminal = pty.openpty()
    with (tmp_path / "told").open("w") as told:
        done = subprocess.run(
            [COMMAND, "import", "file", "--subject", "a"],
            env={**os.environ, "TERM": "xterm"},
            stdout=told,
            stderr=terminal,
            check=False,
        )
    os.close(terminal)
    text = os.read(shown, 65536).decode(errors="replace")
    os.close(shown)
    assert done.returncode == 0
    assert "import" in text
    assert "300 sessions" in (tmp_path / "told").read_text()


def test_a_file_that_a_service_has_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(tmp_path, CHAT_SESSIONS_DATABASE_URL=os.environ["CHAT_SESSIONS_DATABASE_URL"]):
        assert main(["export", "--subject", "a"]) == 1
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert "PostgreSQL" in told.err
