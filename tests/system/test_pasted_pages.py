"""What the pages have a person paste into a shell with curl in it is answered as they say."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.docs import test_follow as follow
from tests.docs import test_moving as moving
from tests.docs import test_openai_conversations as dialect
from tests.serving import environment, serving


def test_following(tmp_path: Path) -> None:
    first, poll, stream = follow.blocks("sh")
    with serving(tmp_path, CHAT_SESSIONS_EVENTS_SECONDS="3600") as served:
        done = subprocess.run(
            ["/bin/sh", "-e"],
            input=f"{first}\n{poll}\n{stream}",
            env=environment(URL=served.url, TOKEN=served.token("alice")),
            cwd=served.folder,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 28, done.stderr  # what curl says of --max-time
    assert '"items":[]' in done.stdout
    _, streamed = done.stdout.split("id: 0\n")
    shown = follow.blocks("text")[0]
    for line in ("event: message", "id: 1"):
        assert line in streamed
        assert line in shown
    assert re.search(r"^retry: \d+$", streamed, re.MULTILINE)


def test_moving_out_and_in_over_http(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        with served.client() as alice:
            assert alice.post("/sessions", json=moving.TRIP).status_code == 201
        whole, one = moving.blocks("move-out.md", "Over HTTP")
        (bring,) = moving.blocks("move-in.md", "Over HTTP")
        for script, who, shown in (
            (whole, "alice", '"sessions":1,"messages":1'),
            (one, "alice", '"external_id":"trip-1"'),
            (bring, "bob", '"status":"created","messages":1'),
            (bring, "bob", '"status":"kept","messages":0'),
        ):
            asked = script.replace(moving.HERE, served.url)
            assert shown in moving.pasted(asked, tmp_path, TOKEN=served.token(who))
        (read,) = moving.blocks("move-out.md", "Read it with other tools")
        assert moving.pasted(read, tmp_path) == "1 Lisbon\n"
    (example,) = moving.blocks("move-in.md", "Over HTTP", "json")
    told = {"external_id", "session_id", "status", "messages", "left_out"}
    assert json.loads(example).keys() == told


def without_ids(value: Any) -> Any:
    return re.sub(r"_[0-9a-f]{40}", "_ID", json.dumps(value))


def test_the_dialect(tmp_path: Path) -> None:
    with serving(tmp_path, CHAT_SESSIONS_OPENAI_DIALECT="true") as served:
        done = subprocess.run(
            ["/bin/sh", "-e"],
            input="\necho\n".join(dialect.blocks("sh")),
            env=environment(URL=served.url, TOKEN=served.token("alice")),
            capture_output=True,
            text=True,
            check=True,
        )
    listed, native = done.stdout.split("\n", 1)
    (shown,) = dialect.blocks("json")
    assert without_ids(json.loads(listed)) == without_ids(json.loads(shown))
    assert '"items":[{"role":"user","content":"Where shall we stay?"}]' in native
