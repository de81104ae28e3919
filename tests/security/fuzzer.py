"""Makes requests from a seed: most are nearly right, so that they get far before they go wrong."""

import json
from collections import deque
from collections.abc import Sequence
from random import Random
from typing import Any
from urllib.parse import quote

import httpx2

from tests.routes import MESSAGE, MESSAGES, METHODS, ROUTES, SESSION, SESSIONS, Route

PEOPLE = ("alice", "alice", "alice", "bob")

INTEGERS = ("0", "1", "2", "3", "50", "200", "201", "-1", "2147483647", "2147483648", "9" * 30,
            "01", "+1", "1.0", "1e3", "٣", "", " ", "x", "1_0")  # fmt: skip
WORDS = ("created_at", "last_updated", "timestamp", "message_order", "asc", "desc", "id", "", "ASC",
         "title; --", "' OR 1=1 --", "\0", "*", "true", "any", "keep", "full", "text", "body",
         "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.67+00:00", '"x"', "[1]", "e1")  # fmt: skip
ALPHABET = (
    "ab \t\n\0'\"\\;%{}[]<>/&=é\u0301ß\u017fİ\u00ad\u200b\u202e\u2028\ufeff\uffff🙂\U0010ffff"
)
NAMES = ("limit", "offset", "after", "user_id", "x", "limit[]", "LIMIT", "metadata.a", "metadata.")
EXTERNAL_IDS = ("e1", "e2", "e/3", "é 4", "%2F", "🙂", None, " 6", "\0", "", "x" * 256)
ORDERS = ("1", "2", "3", "last", "last", "0", "01", "x", "2147483648", "9" * 30)
TIMES = ("2026-01-02T03:04:05Z", "2020-01-01T00:00:00+14:00", None, "9999-12-31T23:59:59-01:00")
FORMATS = ("openai.chat", "x", None, "X", "")
ROLES = ("user", "assistant", "system", "tool", "developer", "User", "", "admin", None, 1)
TYPES = ("application/json", "application/json", "application/json", "application/json",
         "application/merge-patch+json", "application/json; charset=utf-8", "text/plain", "",
         "application/json; charset=utf-16", "application/x-www-form-urlencoded")  # fmt: skip
PARAMETERS = ("charset", "charset*", "charset*0", "charset*1*", "a", "a*", "a*0", "a*1", "a*0*", "")
VALUES = ("utf-8", "UTF-8", '"utf-8"', "utf-8''x", "x", "", '"', '"x\\"', "%ff", "'", "é")
WEIGHTS = [{"DELETE": 1, "POST": 6}.get(route.method, 4) for route in ROUTES]
"""So that sessions live long enough to be asked about."""

CONDITIONS = ("If-Match", "If-None-Match")
CHANGES = (b"", b"\0", b"\xff", b'"', b"{", b"[", b",", b"NaN", b"1e999")
TAGS = ("*", '"x"', 'W/"x"', "", '"', "x", '"2026-01-02T03:04:05.678901Z"')


class Fuzzer:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - a request, not a secret
        self.ids: deque[str] = deque(maxlen=30)
        self.tags: deque[str] = deque(TAGS, maxlen=20)
        self.cursors: deque[str] = deque(["x"], maxlen=20)

    def request(self) -> tuple[str, dict[str, Any]]:
        """Who asks, and what."""
        pick = self.random.choice
        (route,) = self.random.choices(ROUTES, WEIGHTS)
        path, method = route.path, pick(METHODS) if self._seldom() else route.method
        target = path.replace("{session_id}", self._id())
        target = target.replace("{message_order}", self._order())
        if self._sometimes() or method == "GET":
            target += "?" + self._query(route)
        request: dict[str, Any] = {"method": method, "path": target, "headers": self._headers()}
        if (route.body and method == route.method) or self._seldom():
            made = self._message() if path == MESSAGE else self._body(path)
            request["content"] = self._bytes(made)
            request["headers"].append(("Content-Type", self._media_type().encode()))
        return pick(PEOPLE), request

    def learn(self, answer: httpx2.Response) -> None:
        """What later requests speak of."""
        if "etag" in answer.headers:
            self.tags.append(answer.headers["etag"])
        is_json = answer.headers.get("content-type") == "application/json"
        body = answer.json() if answer.is_success and answer.content and is_json else {}
        if answer.status_code == 201 and "user_id" in body:
            self.ids.append(body["id"])
        cursors = body.get("pagination", {})
        for name in ("next_cursor", "previous_cursor"):
            if cursors.get(name):
                self.cursors.append(cursors[name])

    def step(self) -> float:
        """Seconds until the next request: none, a few, a day, or back."""
        return self.random.choice((0, 0, 0.000001, 1, 60, 86_400, -3600))

    def _seldom(self) -> bool:
        return self.random.random() < 0.05

    def _sometimes(self) -> bool:
        return self.random.random() < 0.3

    def _of(self, good_and_odd: Sequence[Any], good: int) -> Any:
        """One of the first, which are right, or seldom of the others."""
        few = good_and_odd[good:] if self._seldom() else good_and_odd[:good]
        return self.random.choice(few)

    def _order(self) -> str:
        return self._external() if self._sometimes() else str(self._of(ORDERS, 5))

    def _external(self) -> str:
        return "ext:" + quote(self._of(EXTERNAL_IDS, 7) or "e1", safe="")

    def _id(self) -> str:
        if self.random.random() < 0.1:
            return self._external()
        if self.ids and not self._seldom():
            return self.random.choice(self.ids)
        missing = "01a20ab2-e3be-7336-be46-7b4184e042f7"
        odd = (missing, missing.upper(), f"{{{missing}}}", "%00", "..%2f..", "null", "", "%ff", "1")
        return self.random.choice((*odd, quote(self._text().encode("utf-8", "replace"), safe="")))

    def _query(self, route: Route) -> str:
        pairs, names = [], (*sorted(route.parameters), *sorted(route.parameters), *NAMES)
        for _ in range(self.random.choice((0, 0, 0, 0, 1, 1, 2, 3))):
            name = self.random.choice(names)
            value = self.random.choice((*INTEGERS, *WORDS, *self.cursors))
            pairs.append(f"{quote(name)}={quote(value)}")
        return "&".join(pairs)

    def _headers(self) -> list[tuple[Any, Any]]:
        made: list[tuple[Any, Any]] = []
        if self._sometimes():
            made.append((self.random.choice(CONDITIONS), self.random.choice(self.tags)))
        if self._sometimes():
            key = f"key-{self.random.randrange(20)}"
            made.append(("Idempotency-Key", key if not self._seldom() else b"\xff" * 3))
        if self._seldom():
            odd = bytes(self.random.randrange(32, 256) for _ in range(9))
            made.append((self.random.choice(("Accept", "X-Odd", "Cookie", "Range")), odd))
        return made

    def _media_type(self) -> str:
        """Some with parameters that continue, are encoded or never end (RFC 2231)."""
        made = self.random.choice(TYPES)
        while self._seldom() or (";" in made and self._sometimes()):
            name, value = self.random.choice(PARAMETERS), self.random.choice(VALUES)
            made += f"; {name}={value}"
        return made

    def _bytes(self, body: object) -> bytes:
        text = json.dumps(body, ensure_ascii=self._sometimes())
        raw = bytearray(text.encode("utf-8", "surrogatepass"))
        while raw and self._seldom():
            place = self.random.randrange(len(raw))
            change = self.random.choice(
                (b"", b"\0", b"\xff", b'"', b"{", b"[", b",", b"NaN", b"1e999")
            )
            raw[place : place + self.random.randrange(3)] = change
        return bytes(raw)

    def _body(self, path: str) -> Any:
        if self._seldom():
            return self._value()
        body: dict[str, Any] = {}
        if path == MESSAGES or self._sometimes():
            body["messages"] = [
                self._message() for _ in range(self.random.choice((0, 1, 1, 1, 2, 3)))
            ]
        if path != MESSAGES and self._sometimes():
            body["title"] = self._text() if not self._seldom() else self._value()
        if path != MESSAGES and self._sometimes():
            body["metadata"] = self._object()
        if self._sometimes():
            body |= self._others(path)
        if path == SESSION:
            body.pop("messages", None)
        if self._seldom():
            body[self.random.choice(("id", "user_id", "owner", "x", "created_at"))] = self._value()
        return body

    def _others(self, path: str) -> dict[str, Any]:
        """Members that few bodies have."""
        if path == MESSAGES:
            return {"format": self._of(FORMATS, 3)}
        if path == SESSIONS:
            return {"external_id": self._of(EXTERNAL_IDS, 7), "created_at": self._of(TIMES, 3)}
        return {name: self._of((True, False, None), 2) for name in ("archived", "pinned")}

    def _message(self) -> Any:
        if self._seldom():
            return self._value()
        role = self.random.choice(ROLES) if self._seldom() else self.random.choice(ROLES[:5])
        message: dict[str, Any] = {"role": role, "content": self._text()}
        if self._sometimes():
            message["metadata"] = self._object()
        if self._sometimes():
            message["body"] = self._object()
            message["format"] = self._of(FORMATS, 3)
        if self._sometimes():
            message["external_id"] = self._of(EXTERNAL_IDS, 7)
            message["name"] = self._of(EXTERNAL_IDS, 7)
        if self._sometimes():
            message["timestamp"] = self._of(TIMES, 3)
        return message

    def _text(self) -> str:
        length = self.random.choice((1, 1, 2, 3, 5, 10, 60, 199, 201))
        odd = self.random.choice(("\0", "\0", "\ud800")) if self._seldom() else ""
        letters = ALPHABET + odd
        text = "".join(self.random.choice(letters) for _ in range(length))
        if self.random.random() < 0.002:
            text = self.random.choice("a🙂") * self.random.choice((16_384, 300_000, 300_001))
        return text

    def _object(self, depth: int = 0) -> Any:
        return {self._text(): self._value(depth + 1) for _ in range(self.random.randrange(4))}

    def _value(self, depth: int = 0) -> Any:
        kind = self.random.randrange(9 if depth < 3 else 7)
        match kind:
            case 0:
                return self.random.choice((0, -1, 1, 2**53 + 1, 2**63, -(2**64), 10**30))
            case 1:
                return self.random.choice((0.0, -0.0, 1.0, 0.1, 1e308, 5e-324, -1e-7))
            case 2:
                return self.random.choice((True, False, None))
            case 7:
                return [self._value(depth + 1) for _ in range(self.random.randrange(4))]
            case 8:
                return self._object(depth)
        return self._text()
