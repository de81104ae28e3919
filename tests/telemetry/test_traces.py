"""Spans as a collector gets them, from the service as a process."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from adapters.auth.development import ALGORITHM, AUDIENCE, ISSUER
from tests.databases import empty_database
from tests.ports import free_port
from tests.serving import serving
from tests.telemetry.receiver import Receiver, attributes
from tests.waiting import wait_until

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
SAMPLED = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
NOT_SAMPLED = {"traceparent": f"00-{'f' * 32}-{CALLER}-00"}
SAID = {"messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().receiving() as receiver:
        yield receiver


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_request_is_a_span_of_its_callers_trace_with_all_that_it_did(
    tmp_path: Path, receiver: Receiver, database: str
) -> None:
    """The request, the use case below it, and each of the statements below that."""
    settings = {"CHAT_SESSIONS_OTLP_ENDPOINT": receiver.url}
    if database == "postgresql":
        settings["CHAT_SESSIONS_DATABASE_URL"] = empty_database("plain")
    with serving(tmp_path, **settings) as served, served.client() as client:
        session = client.post("/sessions", json={}).json()["id"]
        client.get(f"/sessions/{session}", headers=NOT_SAMPLED)
        client.get("/readyz")
        client.get(f"/sessions/{session}/messages?limit=7", headers=SAMPLED)
        client.post(f"/sessions/{session}/messages", json=SAID, headers=SAMPLED)
        with served.client("bob") as bob:
            bob.get(f"/sessions/{session}", headers=SAMPLED)
        assert served.stop(signal.SIGTERM) == 0
    traced = [span for span in receiver.spans() if span.trace_id.hex() == TRACE]
    names = {span.span_id: span.name for span in traced}
    tree = {(names.get(span.parent_span_id, "the caller"), span.name) for span in traced}
    appending = (
        {("AppendMessages", name) for name in ("RAISE_COUNTER", "ADD_MESSAGES", "COMMIT")}
        if database == "sqlite"
        else {("AppendMessages", "APPEND")}
    )
    assert tree == appending | {
        ("the caller", "GET /sessions/{session_id}/messages"),
        ("GET /sessions/{session_id}/messages", "GetMessages"),
        ("GetMessages", "page_of_messages"),
        ("the caller", "POST /sessions/{session_id}/messages"),
        ("POST /sessions/{session_id}/messages", "AppendMessages"),
        ("the caller", "GET /sessions/{session_id}"),
        ("GET /sessions/{session_id}", "GetSession"),
        ("GetSession", "GET_SESSION"),
        ("GetSession", "FIND_ANYONES"),
    }
    for span in traced:
        if names.get(span.parent_span_id) is None:
            assert span.parent_span_id.hex() == CALLER
            assert span.kind == Span.SPAN_KIND_SERVER
        assert span.status.code == Status.STATUS_CODE_UNSET
        assert span.start_time_unix_nano <= span.end_time_unix_nano
    assert {span.trace_id.hex() for span in receiver.spans()} >= {TRACE}
    assert not [span for span in receiver.spans() if span.trace_id.hex() == "f" * 32]
    assert not [span for span in receiver.spans() if "readyz" in span.name]


def test_no_span_says_what_a_client_sent(tmp_path: Path, receiver: Receiver) -> None:
    """Not even a path, a query, a method or a host: anything may be written there."""
    with (
        serving(tmp_path, CHAT_SESSIONS_OTLP_ENDPOINT=receiver.url) as served,
        served.client() as client,
    ):
        client.get("/sessions?limit=7&canary=canary")
        client.get("/canary")
        client.request("CANARY", "/sessions")
        client.get("/sessions", headers={"Host": "canary.example"})
        client.get("/sessions", headers={"baggage": "canary=canary"})
        assert served.stop(signal.SIGTERM) == 0
    spans = receiver.spans()
    assert {span.name for span in spans} == {
        "GET /sessions",
        "GET",
        "HTTP /sessions",
        "ListSessions",
        "page_of_sessions",
        "page_or_total_of_sessions",
    }
    kept = {key for span in spans for key in attributes(span)}
    assert kept == {
        "db.query.summary",
        "db.system.name",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "network.protocol.version",
        "url.scheme",
        "user_id",
    }
    assert b"canary" not in b"".join(receiver.bodies).lower()


def test_a_span_says_who_asks_and_who_acts_for_them(tmp_path: Path, receiver: Receiver) -> None:
    """By the names that the log has for them, on a refusal too."""
    with serving(tmp_path, CHAT_SESSIONS_OTLP_ENDPOINT=receiver.url) as served:
        key = ECKey.import_key((tmp_path / "chat-sessions-development-key.pem").read_bytes())
        acting = signed(key, sub="alice", act={"sub": "agent-7"})
        for token in (signed(key, sub="alice"), acting, "none"):
            with served.client(token=token) as client:
                client.get("/sessions")
        with served.client(token=acting) as client:
            client.get(f"/sessions/{uuid4()}")
        assert served.stop(signal.SIGTERM) == 0
    spans = [attributes(span) for span in receiver.spans() if span.kind == Span.SPAN_KIND_SERVER]
    told = [tuple(map(one.get, ("user_id", "actor", "actor_issuer"))) for one in spans]
    acts = ("alice", "agent-7", ISSUER)
    assert told == [("alice", None, None), acts, (None, None, None), acts]


def signed(key: ECKey, **claims: object) -> str:
    now = int(time.time())
    said = {"iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 60, **claims}
    return jwt.encode({"alg": ALGORITHM, "typ": "at+jwt"}, said, key, [ALGORITHM])


def test_a_failure_is_marked_by_its_kind(tmp_path: Path, receiver: Receiver) -> None:
    with (
        serving(tmp_path, CHAT_SESSIONS_OTLP_ENDPOINT=receiver.url) as served,
        served.client() as client,
    ):
        client.get("/sessions")
        (tmp_path / "chat-sessions.db").rename(tmp_path / "elsewhere.db")
        assert client.post("/sessions", json={}).status_code == 503
        assert served.stop(signal.SIGTERM) == 0
    failed = {
        span.name: attributes(span)
        for span in receiver.spans()
        if span.status.code == Status.STATUS_CODE_ERROR
    }
    assert failed.keys() == {"POST /sessions", "CreateSession"}
    assert failed["CreateSession"]["error.type"] == "Unavailable"
    assert failed["POST /sessions"]["http.response.status_code"] == 503


@pytest.mark.parametrize("how", ["away", "hanging"])
def test_a_collector_that_does_not_answer_holds_nobody_up(
    tmp_path: Path, receiver: Receiver, how: str
) -> None:
    """Neither requests nor the stop: one that hangs is left alone after a second."""
    receiver.hangs.set()
    nowhere = f"http://127.0.0.1:{free_port()}"
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url if how == "hanging" else nowhere,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "600",
        "CHAT_SESSIONS_DRAIN_SECONDS": "0",
    }
    with serving(tmp_path, **settings) as served, served.client() as client:
        for _ in range(20):
            assert client.get("/sessions").status_code == 200
        wait_until(lambda: how == "away" or receiver.bodies)
        assert client.get("/sessions").status_code == 200
        began = time.monotonic()
        assert served.stop(signal.SIGTERM) == 0
        assert time.monotonic() - began < 20
