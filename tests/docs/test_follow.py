"""What docs/follow.md says is so."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nodejs import run_node
from tests.serving import Served, serving

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "follow.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = {"CHAT_SESSIONS_EVENTS_SECONDS": "3600"}
    with serving(tmp_path_factory.mktemp("followed"), **settings) as served:
        yield served


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
}, {last: 0});
const act = (method, path, body) => fetch(url + path, {
  method,
  headers: {Authorization: `Bearer ${first}`, "Content-Type": "application/json"},
  body: body && JSON.stringify(body),
});
console.log(await ended, heard.join(", "));
"""


def test_its_reader_follows_a_session_to_its_end(served: Served) -> None:
    """And comes again, with a token that does not hold."""
    heard = "401 message old, message new, session Lisbon, removed 1\n"
    assert follow(served, FOLLOWER, "old") == heard


FAILING = """
const [url, token] = process.argv.slice(2);
const stop = new AbortController();
const heard = [];
const tell = (name, data) => {
  heard.push(data.content);
  if (data.content === "boom" && heard.length < 3) throw new Error("a fault of tell");
  if (data.content === "after") stop.abort();
};
const again = (last) => follow(url, () => token, tell, {last, signal: stop.signal});
const error = await again(0).catch((error) => error.message);
console.log(error, await again(1), heard.join(", "));
"""


def test_its_reader_tells_of_a_fault_and_loses_nothing(served: Served) -> None:
    """And an aborted one tells nothing more, though more was sent."""
    heard = "a fault of tell undefined a, boom, boom, after\n"
    assert follow(served, FAILING, "a", "boom", "after", "unheard") == heard


LOSING = """
import { createServer } from "node:http";
const asked = [], paused = [], said = [];
const setTimeout = (act, time) => {
  if (time < 40_000) paused.push(time);
  return globalThis.setTimeout(act, time < 40_000 ? 0 : 500);
};
const lines = ["event: message", 'data: {"content": "x"}', "id: 1", "retry: 30"];
const server = createServer((request, response) => {
  asked.push(request.headers["last-event-id"]);
  if (asked.length === 1) response.writeHead(503, {"Retry-After": "7"}).end();
  if (asked.length === 2) response.write(lines.join("\\n") + "\\n\\n");
  if (asked.length === 3) response.destroy();
  if (asked.length === 4) response.writeHead(422).end();
}).listen(0, "127.0.0.1", async () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  console.warn = (_, error) => said.push(error.message.slice(0, 6));
  console.log(await follow(url, () => "t", () => {}), ...[asked, said, paused].map(String));
  process.exit();
});
"""


def test_its_reader_comes_again_as_long_as_that_may_help(served: Served) -> None:
    """A server that is no service of ours is away, falls silent, and refuses for good."""
    assert follow(served, LOSING) == "422 ,,1,1 silent,fetch  7000,30,30\n"


def follow(served: Served, program: str, *said: str) -> str:
    """Give what the program prints after the page's, about a session in which that was said."""
    messages = [{"role": "user", "content": content} for content in said]
    with served.client() as client:
        path = client.post("/sessions", json={"messages": messages}).headers["location"]
    (reader,) = blocks("js")
    assert len(reader.splitlines()) <= 50
    file = served.folder / "follow.mjs"
    file.write_text(reader + program)
    done = run_node(file, served.url + path, served.token("alice"), folder=served.folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("language", "name"), [("nginx", "nginx.conf"), ("haproxy", "haproxy.cfg")]
)
def test_its_settings_of_proxies_are_those_of_the_configurations(language: str, name: str) -> None:
    lines = [line.strip() for line in (DOCS / "proxy" / name).read_text().splitlines()]
    (block,) = blocks(language)
    wanted = [line.strip() for line in block.splitlines()]
    assert any(lines[place:][: len(wanted)] == wanted for place in range(len(lines)))
