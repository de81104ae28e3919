"""What the client sends, byte for byte: alike for every side, but for the ids of its sessions."""

import json
from dataclasses import dataclass, field

import httpx2

from tests.bench import seeds
from tests.bench.issuer import Issuer
from tests.bench.services import Service

READERS = range(48)
WRITERS = range(48, 96)
CREATORS = range(96, 144)

SAID = {"role": "user", "content": "x" * seeds.TEXT_LENGTH}
CREATION = {"title": "A title", "messages": [SAID]}


@dataclass(frozen=True, slots=True)
class People:
    """Who asks a service, and what they have in it."""

    issuer: Issuer
    service: Service
    tokens: dict[str, str]
    _sessions: dict[str, str] = field(default_factory=dict)

    def session(self, who: str) -> str:
        """The id of their newest session when this was first asked."""
        if who not in self._sessions:
            found = self.answer(who, "/sessions?limit=1").json()["items"]
            self._sessions[who] = found[0]["id"]
        return self._sessions[who]

    def answer(self, who: str, path: str) -> httpx2.Response:
        return self._answer("GET", who, path)

    def told(self, who: str, path: str, body: object) -> httpx2.Response:
        return self._answer("POST", who, path, body)

    def remove(self, who: str, path: str) -> None:
        self._answer("DELETE", who, path)

    def _answer(self, method: str, who: str, path: str, body: object = None) -> httpx2.Response:
        url, headers = f"http://127.0.0.1:{self.service.port}{path}", self._authorization(who)
        with httpx2.Client(trust_env=False, timeout=20) as client:
            return client.request(method, url, headers=headers, json=body).raise_for_status()

    def get(self, who: str, path: str, **headers: str) -> bytes:
        return self._request("GET", who, path, headers)

    def post(self, who: str, path: str, body: object) -> bytes:
        return self._sent("POST", who, path, body)

    def put(self, who: str, path: str, body: object) -> bytes:
        return self._sent("PUT", who, path, body)

    def _sent(self, method: str, who: str, path: str, body: object) -> bytes:
        text = json.dumps(body, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(text))}
        return self._request(method, who, path, headers) + text

    def _request(self, method: str, who: str, path: str, headers: dict[str, str]) -> bytes:
        host = {"Host": f"127.0.0.1:{self.service.port}", "Accept": "application/json"}
        fields = host | self._authorization(who) | headers
        lines = (f"{name}: {value}" for name, value in fields.items())
        return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()

    def _authorization(self, who: str) -> dict[str, str]:
        if who not in self.tokens:
            self.tokens[who] = self.issuer.token(who)
        return {"Authorization": f"Bearer {self.tokens[who]}"}
