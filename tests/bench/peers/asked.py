"""What the peers are asked: the nearest that each has to our requests."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.bench import seeds
from tests.bench.client import CONNECTIONS
from tests.bench.issuer import Issuer
from tests.bench.kinds import LIMIT

READERS = [f"reader-{number}" for number in range(CONNECTIONS * 2)]
WRITERS = [f"writer-{number}" for number in range(CONNECTIONS * 2)]
TALKER = "talker"

TEXT = "x" * seeds.TEXT_LENGTH

Requests = Mapping[str, Sequence[bytes]]


def filling(issuer: Issuer, sizes: Sequence[int]) -> dict[str, Any]:
    """Each person's one session is named as they are; the talker's by how many messages it has."""
    people = [(who, who) for who in (*READERS, *WRITERS)]
    return {
        "key": issuer.key.as_pem(private=False).decode(),
        "text": TEXT,
        "sessions": [*people, *((TALKER, f"{TALKER}-{size}") for size in sizes)],
        "lister": seeds.LISTER,
        "listed": [f"listed-{number}" for number in range(LIMIT)],
        "counts": {
            **dict.fromkeys(READERS, LIMIT),
            **{f"{TALKER}-{size}": size for size in sizes},
        },
    }


def of_adk(_: Issuer) -> Requests:
    """A session comes with all its events; a run stores a person's message. It knows no tokens."""

    def sessions(who: str) -> str:
        return f"/apps/bench/users/{who}/sessions"

    def run(who: str) -> object:
        said = {"role": "user", "parts": [{"text": TEXT}]}
        return {"appName": "bench", "userId": who, "sessionId": who, "newMessage": said}

    said = {"author": "user", "content": {"role": "user", "parts": [{"text": TEXT}]}}
    return {
        "page": [_get(f"{sessions(who)}/{who}") for who in READERS],
        "list": [_get(sessions(seeds.LISTER))] * CONNECTIONS,
        "create": [_post(sessions(who), {"events": [said]}) for who in WRITERS],
        "create-empty": [_post(sessions(who), {}) for who in WRITERS],
        "append": [_post("/run", run(who)) for who in WRITERS],
    }


def of_agno(issuer: Issuer) -> Requests:
    """A session comes with all its runs, two messages in each."""
    tokens = {who: agno_token(issuer, who) for who in (*READERS, *WRITERS, seeds.LISTER)}
    listed = f"/sessions?user_id={seeds.LISTER}&limit={LIMIT}"
    created = {"session_name": "A title"}
    return {
        "page": [_get(f"/sessions/{who}/runs", tokens[who]) for who in READERS],
        "list": [_get(listed, tokens[seeds.LISTER])] * CONNECTIONS,
        "create-empty": [
            _post("/sessions?type=agent", {**created, "user_id": who}, tokens[who])
            for who in WRITERS
        ],
        "append": [
            _post(f"/appends/{who}", {"user_id": who, "text": TEXT}, tokens[who]) for who in WRITERS
        ],
    }


def agno_token(issuer: Issuer, who: str) -> str:
    return issuer.token(who, scopes=["sessions:read", "sessions:write"])


def history_of_adk(_: Issuer, size: int) -> bytes:
    return _get(f"/apps/bench/users/{TALKER}/sessions/{TALKER}-{size}")


def history_of_agno(issuer: Issuer, size: int) -> bytes:
    return _get(f"/sessions/{TALKER}-{size}/runs", agno_token(issuer, TALKER))


def _get(path: str, token: str = "") -> bytes:
    return _head("GET", path, token) + b"\r\n"


def _post(path: str, body: object, token: str = "") -> bytes:
    text = json.dumps(body, separators=(",", ":")).encode()
    fields = f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    return _head("POST", path, token) + fields.encode() + text


def _head(method: str, path: str, token: str) -> bytes:
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}".encode()
