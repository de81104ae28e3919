"""Whose tokens the sides take: an identity provider with one RSA key, on loopback."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

AUDIENCE = "https://chat.example/api"
LIFE = 12 * 60 * 60
"""Seconds that a token holds."""


@dataclass(frozen=True, slots=True)
class Issuer:
    url: str
    key: RSAKey

    def token(self, subject: str, **more: object) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": subject,
            "client_id": "bench",
            "iat": now,
            "exp": now + LIFE,
            "jti": subject,
            **more,
        }
        header = {"alg": "RS256", "typ": "at+jwt", "kid": self.key.thumbprint()}
        return jwt.encode(header, claims, self.key, ["RS256"])


class _Documents(BaseHTTPRequestHandler):
    def __init__(self, documents: dict[str, Any], *arguments: Any) -> None:
        self._documents = documents
        super().__init__(*arguments)

    def do_GET(self) -> None:
        body = json.dumps(self._documents[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def issuer() -> Iterator[Issuer]:
    """On a thread: whoever asks it may hold up this one."""
    key = RSAKey.generate_key(2048)
    documents: dict[str, Any] = {}
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Documents, documents)) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        documents["/.well-known/openid-configuration"] = {"issuer": url, "jwks_uri": f"{url}/jwks"}
        documents["/jwks"] = {"keys": [key.as_dict(private=False, kid=key.thumbprint())]}
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Issuer(url, key)
        finally:
            server.shutdown()
