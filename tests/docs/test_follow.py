"""What docs/follow.md says is so."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nodejs import run_node
from tests.serving import Served, environment, serving

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "follow.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = {"CHAT_SESSIONS_EVENTS_SECONDS": "3600"}
    with serving(tmp_path_factory.mktemp("followed"), **settings) as served:
        yield served


def test_its_commands_are_answered_as_it_says(served: Served) -> None:
    first, poll, stream = blocks("sh")
    given = environment(URL=served.url, TOKEN=served.token("alice"))
    done = subprocess.run(
        ["/bin/sh", "-e"],
        input=f"{first}\n{poll}\n{stream}",
        env=given,
        cwd=served.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 28, done.stderr  # what curl says of --max-time
    assert '"items":[]' in done.stdout
    _, streamed = done.stdout.split("id: 0\n")
    shown = blocks("text")[0]
    for line in ("event: message", "id: 1"):
        assert line in streamed
        assert line in shown
    assert re.search(r"^retry: \d+$", streamed, re.MULTILINE)


FOLLOWER = """
const heard = [];
const [url, first, second] = process.argv.slice(2);
const tokens = [first, "expired"];
const ended = follow(url, async () => tokens.shift(), (name, data) => {
  heard.push(`${name} ${data.content ?? data.title ?? data.message_order}`);
  if (data.content === "old") act("PUT", "/messages/ext:x", {role: "user", content: "new"});
  if (data.content === "new") act("PATCH", "", {title: "Lisbon"});
  if (name === "session") act("DELETE", "/messages/1");
  if (name === "removed") act("DELETE", "");
}, "0");
const act = (method, path, body) => fetch(url + path, {
  method,
  headers: {Authorization: `Bearer ${first}`, "Content-Type": "application/json"},
  body: body && JSON.stringify(body),
});
console.log(await ended, heard.join(", "));
"""


def test_its_reader_follows_a_session_to_its_end(served: Served) -> None:
    """And comes again, with a token that does not hold."""
    (program,) = blocks("js")
    assert len(program.splitlines()) <= 25
    with served.client() as client:
        said = {"messages": [{"role": "user", "content": "old"}]}
        path = client.post("/sessions", json=said).headers["location"]
    file = served.folder / "follow.mjs"
    file.write_text(program + FOLLOWER)
    done = run_node(file, served.url + path, served.token("alice"), folder=served.folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "401 message old, message new, session Lisbon, removed 1\n"


@pytest.mark.parametrize(
    ("language", "name"), [("nginx", "nginx.conf"), ("haproxy", "haproxy.cfg")]
)
def test_its_settings_of_proxies_are_those_of_the_configurations(language: str, name: str) -> None:
    lines = [line.strip() for line in (DOCS / "proxy" / name).read_text().splitlines()]
    (block,) = blocks(language)
    wanted = [line.strip() for line in block.splitlines()]
    assert any(lines[place:][: len(wanted)] == wanted for place in range(len(lines)))
