"""The service behind nginx and HAProxy, configured as docs/proxy.md tells."""

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.serving import Served, serving
from tests.smuggling import Smuggler, statuses
from tests.system.proxies import PROXIES, Proxy
from tests.tally import Tally
from tests.waiting import WAIT_SECONDS, wait_until
from tests.web import ok, web


@dataclass(frozen=True)
class Fronted:
    name: str
    served: Served
    proxy: Proxy

    def client(self) -> httpx2.Client:
        headers = {"Authorization": self.served.client().headers["authorization"]}
        return httpx2.Client(
            base_url=self.proxy.url, headers=headers, verify=self.proxy.trust, timeout=WAIT_SECONDS
        )


@pytest.fixture(scope="module", params=PROXIES)
def fronted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fronted]:
    folder = tmp_path_factory.mktemp("fronted")
    settings = {"CHAT_SESSIONS_TRUSTED_PROXIES": "127.0.0.1", "CHAT_SESSIONS_RATE_LIMITS": "off"}
    with (
        serving(folder, **settings) as served,
        PROXIES[request.param](served.address[1]) as proxy,
    ):
        yield Fronted(request.param, served, proxy)


def problem(answer: httpx2.Response, status: int) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    return answer.json()


def test_a_session_is_created_and_read_through_it(fronted: Fronted) -> None:
    with fronted.client() as client:
        for _ in range(20):
            made = client.post("/sessions", json={"title": "x"}, headers={"X-Request-ID": "mine"})
            assert made.status_code == 201
            assert made.headers["x-request-id"] == "mine"
            read = client.get(made.headers["location"])
            assert read.json() == made.json()
            assert read.headers["x-content-type-options"] == "nosniff"
        assert len(client.get("/livez").headers["x-request-id"]) >= 32


def test_refusals_pass_and_its_own_are_problems_too(fronted: Fronted) -> None:
    with fronted.client() as client:
        refused = client.get("/sessions", headers={"Authorization": ""})
        problem(refused, 401)
        assert refused.headers["www-authenticate"].startswith("Bearer")
        problem(client.post("/sessions", content=b" " * 6_000_000), 413)
        problem(client.get("/sessions", headers={"Host": "other.example"}), 421)
        problem(client.get("/metrics"), 404)
        assert client.get("/sessions", headers={"X": "x" * 14_000}).status_code == 200
        many = {f"X-{place}": "x" * 8_000 for place in range(8)}
        assert client.get("/sessions", headers=many).status_code in {400, 431}
        assert client.get("/sessions").status_code == 200


def test_nothing_is_smuggled_through_it(fronted: Fronted, tally: Tally) -> None:
    """What was carried out, the proxy saw as a request of its own and passed on its answer."""
    with ExitStack() as stack:
        exchanges = [
            stack.enter_context(exchange(fronted.proxy, *one)) for one in smuggled(fronted)
        ]
        quiet_since = time.monotonic()
        while time.monotonic() < quiet_since + QUIET_SECONDS:
            if sum(one.read() for one in exchanges):
                quiet_since = time.monotonic()
        made = carried_out(fronted)

        def unseen() -> list[bytes]:
            """Of which more was carried out than was told, so far."""
            answered = ((one, one.read()) for one in exchanges)
            return [one.wrong for one, _ in answered if made[one.title] > one.told.count(201)]

        with suppress(AssertionError):
            wait_until(lambda: not unseen())
        tally.none("P5", f"smuggled through {fronted.name}", unseen(), of=len(exchanges))


QUIET_SECONDS = 1
"""Without an answer to any message, for a hidden request to be carried out as well."""


@dataclass
class Exchange:
    """A message that hides a request, and what has come for it so far."""

    wrong: bytes
    title: str
    connection: ssl.SSLSocket
    received: bytes = b""

    def read(self) -> bool:
        """Whether more has come."""
        before = len(self.received)
        with suppress(OSError):  # nothing is there, or nothing will come any more
            while piece := self.connection.recv(1 << 16):
                self.received += piece
        return len(self.received) > before

    @property
    def told(self) -> list[int]:
        return statuses(self.received)


@contextmanager
def exchange(proxy: Proxy, wrong: bytes, title: str, message: bytes) -> Iterator[Exchange]:
    with proxy.connect() as connection:
        with suppress(OSError):
            connection.sendall(message)
        connection.setblocking(False)  # noqa: FBT003 - as it is named
        yield Exchange(wrong, title, connection)


def smuggled(fronted: Fronted) -> Iterator[tuple[bytes, str, bytes]]:
    """What is wrong, the title of the session that it hides, and the message."""
    authorization = fronted.client().headers["authorization"]
    for number in count():
        smuggler = Smuggler("127.0.0.1", authorization, f"smuggled {number}")
        messages = list((smuggler.messages() | smuggler.bodies()).items())
        if number == len(messages):
            return
        wrong, message = messages[number]
        yield wrong, smuggler.title, message


def carried_out(fronted: Fronted) -> Counter[str]:
    """How many sessions there are of each title."""
    found: Counter[str] = Counter()
    with fronted.served.client() as client:
        path: str | None = "/sessions?limit=200&sort_by=created_at"
        while path:
            page = client.get(path)
            found.update(item["title"] for item in page.json()["items"])
            path = page.links.get("next", {}).get("url")
    return found


@pytest.mark.parametrize("name", PROXIES)
def test_a_service_that_is_away_is_503(name: str) -> None:
    with (
        PROXIES[name](9) as proxy,
        httpx2.Client(verify=proxy.trust, timeout=WAIT_SECONDS) as client,
    ):
        assert problem(client.get(f"{proxy.url}/sessions"), 503)
        assert client.get(f"{proxy.url}/sessions").headers["retry-after"] == "1"


HEAD = b"POST /sessions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize("name", PROXIES)
async def test_what_it_passes_on_and_when(name: str) -> None:
    """A request once it is whole, with the peer's address in place of what it claims."""
    async with web() as site:
        site.answers["/sessions"] = ok({})
        site.answers["/readyz"] = ok({})
        port = int(site.url.rpartition(":")[2])
        with ExitStack() as stack:
            proxy = await asyncio.to_thread(stack.enter_context, PROXIES[name](port))
            slow = stack.enter_context(await asyncio.to_thread(proxy.connect))
            claims = b"X-Forwarded-For: 192.0.2.1\r\nX-Request-ID: a b\r\nContent-Length: 2\r\n\r\n"
            for piece in (HEAD, claims, b"{"):
                slow.sendall(piece)
                await asyncio.sleep(0.5)
                assert not site.asked["/sessions"]
            slow.sendall(b"}")
            assert (await asyncio.to_thread(slow.recv, 100)).startswith(b"HTTP/1.1 200 ")
        (head,) = [head for head in site.heads if b"POST /sessions" in head]
    lines = head.lower().split(b"\r\n")
    assert b"host: 127.0.0.1" in lines
    assert [line for line in lines if line.startswith(b"x-forwarded-for")] == [
        b"x-forwarded-for: 127.0.0.1"
    ]
    assert sum(line.startswith(b"x-request-id: ") for line in lines) == 1
    assert b"x-request-id: a b" not in lines


@pytest.mark.parametrize("name", PROXIES)
async def test_a_write_that_may_have_happened_is_not_sent_again(name: str) -> None:
    async with web() as site:
        site.answers["/sessions"] = b""
        site.answers["/readyz"] = ok({})
        with ExitStack() as stack:
            port = int(site.url.rpartition(":")[2])
            proxy = await asyncio.to_thread(stack.enter_context, PROXIES[name](port))
            for _ in range(3):
                async with httpx2.AsyncClient(verify=proxy.trust, timeout=WAIT_SECONDS) as client:
                    answer = await client.post(f"{proxy.url}/sessions", json={})
                    assert answer.status_code in {502, 503}
        assert site.asked["/sessions"] == 3


def test_the_silent_are_held_by_the_proxy(fronted: Fronted) -> None:
    """The service has no connection of theirs."""
    with ExitStack() as stack:
        for place in range(200):
            silent = stack.enter_context(fronted.proxy.connect())
            silent.sendall((b"GET /", HEAD + b"Content-Length: 9\r\n\r\n{")[place % 2])
        assert connections(fronted.served) < 100
        with fronted.client() as client:
            assert client.get("/sessions").status_code == 200


def connections(served: Served) -> int:
    descriptors = Path(f"/proc/{served.process.pid}/fd")
    return sum("socket:" in str(one.readlink()) for one in descriptors.iterdir())
