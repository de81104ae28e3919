"""A page in a real browser follows a session that another client writes, through a proxy."""

import re
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser

from tests.conftest import Sized
from tests.ports import free_port
from tests.serving import Served, serving
from tests.system.browser import chromium
from tests.system.proxies import PROXIES, Proxy
from tests.tally import Tally
from tests.waiting import WAIT_SECONDS, wait_until

DOCUMENT = (Path(__file__).parents[2] / "docs" / "follow.md").read_text()
(READER,) = re.findall(r"```js\n(.*?)```", DOCUMENT, re.DOTALL)
FOLLOW = f"""([url, token]) => {{
  {READER}
  window.heard = [];
  follow(url, async () => token, (name, data) => {{
    window.heard.push(`${{name}} ${{data.content ?? data.title ?? data.message_order}}`);
  }}, {{ last: 0 }});
}}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def client_of(served: Served, proxy: Proxy) -> httpx2.Client:
    headers = {"Authorization": f"Bearer {served.token('alice')}"}
    return httpx2.Client(
        base_url=proxy.url, headers=headers, verify=proxy.trust, timeout=WAIT_SECONDS
    )


@pytest.mark.parametrize("name", PROXIES)
def test_a_page_follows_through_a_proxy_over_a_restart(
    browser: Browser, name: str, tmp_path: Path, sized: Sized, tally: Tally
) -> None:
    """One stream until then, however long nothing is said."""
    port, quiet = free_port(), sized(0, 35)
    settings = {"CHAT_SESSIONS_PORT": str(port), "CHAT_SESSIONS_EVENTS_SECONDS": "3600"}
    with ExitStack() as stack:
        served = stack.enter_context(serving(tmp_path, **settings))
        proxy = stack.enter_context(PROXIES[name](port))
        wait_until(lambda: httpx2.get(f"{proxy.url}/readyz", verify=proxy.trust).is_success)
        client = stack.enter_context(client_of(served, proxy))
        said = {"messages": [{"role": "user", "content": "before"}]}
        path = client.post("/sessions", json=said).headers["location"]
        context = browser.new_context(ignore_https_errors=True)
        stack.callback(context.close)
        page = context.new_page()
        streams: list[int] = []
        page.on(
            "response", lambda one: streams.append(one.status) if "/events" in one.url else None
        )
        page.goto(f"{proxy.url}/docs")
        page.evaluate(FOLLOW, [path, served.token("alice")])

        def hears(*expected: str) -> None:
            wait_until(lambda: len(page.evaluate("window.heard")) >= len(expected))
            assert page.evaluate("window.heard") == list(expected)

        hears("message before")
        time.sleep(quiet)
        began = time.monotonic()
        client.post(
            f"{path}/messages", json={"messages": [{"role": "assistant", "content": "now"}]}
        )
        hears("message before", "message now")
        took = time.monotonic() - began
        assert streams == [200]
        assert served.stop(signal.SIGTERM) == 0
        stack.enter_context(serving(tmp_path, **settings))
        wait_until(lambda: httpx2.get(f"{proxy.url}/readyz", verify=proxy.trust).is_success)
        client.put(f"{path}/messages/ext:x", json={"role": "tool", "content": "after"})
        hears("message before", "message now", "message after")
        assert streams[0] == streams[-1] == 200
        assert client.get(f"{path}/messages?after=3&wait={sized(1, 30)}").json()["items"] == []
        tally.note(
            "P16", f"a page behind {name}: from a write to the page", f"{1000 * took:.0f} ms"
        )
