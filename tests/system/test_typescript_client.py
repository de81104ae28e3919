"""The package `clients/typescript` in a real browser, in a page of another origin."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.clients.test_typescript_client import build
from tests.serving import serving
from tests.system.browser import Watched, chromium

PAGE = """<!doctype html><title>Chat</title><link rel="icon" href="data:,">
<script type="importmap">{"imports": {
  "chat-sessions-client": "/node_modules/chat-sessions-client/dist/index.js",
  "openapi-fetch": "/node_modules/openapi-fetch/dist/index.mjs"
}}</script>"""

PROGRAM = """async ([baseUrl, token]) => {
  const { Client, SessionNotFoundError, external } = await import("chat-sessions-client");
  const client = new Client({ baseUrl, token: async () => token });
  const session = await client.createSession({ external_id: "browser", title: "Trip" });
  const heard = [];
  const following = (async () => {
    for await (const { event, data } of client.events(session.id, { after: 0 })) {
      heard.push(event === "message" ? data.content : event);
      if (heard.length === 3) break;
    }
  })();
  for (const content of ["Where to?", "To Lisbon.", "When?"]) {
    await client.append(external("browser"), [{ role: "user", content }]);
  }
  await following;
  const read = [];
  for await (const { content } of client.messages(session.id, { limit: 2 })) read.push(content);
  const lines = [];
  for await (const line of client.export()) lines.push(JSON.parse(line).type);
  const kept = [];
  for await (const { status } of client.importLines(client.export())) kept.push(status);
  await client.deleteSession(session.id);
  const gone = await client.session(session.id).catch((error) => error);
  return { heard, read, lines, kept, gone: gone instanceof SessionNotFoundError };
}"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def origin(folder: Path) -> Iterator[str]:
    """A web server of the files in a folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[str]:
    folder = build(tmp_path / "app")
    (folder / "index.html").write_text(PAGE)
    with origin(folder) as address:
        yield address


def test_a_page_of_an_allowed_origin_uses_it_as_it_was_built(app: str, tmp_path: Path) -> None:
    """It creates, follows, appends, reads, exports and imports, with no bundler and no warning."""
    said = ["Where to?", "To Lisbon.", "When?"]
    with serving(tmp_path, CHAT_SESSIONS_CORS_ORIGINS=app) as served, chromium() as browser:
        watched = Watched(browser)
        watched.page.goto(app)
        told = watched.page.evaluate(PROGRAM, [served.url, served.token("alice")])
    assert told == {
        "heard": said,
        "read": said,
        "lines": ["header", "session", "message", "message", "message", "footer"],
        "kept": ["kept"],
        "gone": True,
    }
    assert [text for text in watched.said if "404" not in text] == []
