"""An identity provider that others wrote: npm's oidc-provider, on a free port of loopback."""

import atexit
import json
import re
import secrets
import socket
import subprocess
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests.certificates import NO_AUTHORITY
from tests.nodejs import HERE, NODE
from tests.ports import free_port

SCOPES = ("chat:read", "chat:write")

CALLBACK = "http://127.0.0.1/signed-in"

Key = ECKey | OKPKey | RSAKey

_MAKE: dict[str, Callable[[], Key]] = {
    "P-384": lambda: ECKey.generate_key("P-384"),
    "RSA": RSAKey.generate_key,
    "EC": ECKey.generate_key,
    "OKP": OKPKey.generate_key,
}


@cache
def provider() -> "IdentityProvider":
    """The one that all tests of a run share: whoever changes its keys or stops it puts it back."""
    return IdentityProvider()


class IdentityProvider:
    """Its keys are made here, so that a test can sign what the provider never would."""

    audience = "https://chat.example/api"

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {}
        """The private keys, by key id. Those made last sign."""
        self._secret = secrets.token_urlsafe(32)
        self._port = free_port()
        self._place = self._held()
        self.url = f"http://127.0.0.1:{self._port}"
        """The issuer."""
        for kind in _MAKE:
            self._make(kind)
        self.start()
        atexit.register(self._end)

    @property
    def settings(self) -> dict[str, str]:
        """What has the service trust this provider."""
        return {
            "CHAT_SESSIONS_OIDC_ISSUER": self.url,
            "CHAT_SESSIONS_OIDC_AUDIENCE": self.audience,
        }

    def token(self, person: str, *scopes: str, algorithm: str = "ES256") -> str:
        """An access token for someone who has signed in with these scopes, or with all."""
        answer = self.sign_in(person, *(scopes or SCOPES), algorithm=algorithm)
        token: str = answer["access_token"]
        return token

    def robot_token(self, *scopes: str, algorithm: str = "ES256") -> str:
        """An access token for a program, by its client credentials. Its subject is the client."""
        with httpx2.Client(trust_env=False, verify=NO_AUTHORITY) as client:
            given = client.post(
                f"{self.url}/token",
                auth=(f"robot-{algorithm}", self._secret),
                data={
                    "grant_type": "client_credentials",
                    "resource": self.audience,
                    "scope": " ".join(scopes or SCOPES),
                },
            )
        given.raise_for_status()
        token: str = given.json()["access_token"]
        return token

    def sign_in(
        self,
        person: str,
        *scopes: str,
        algorithm: str = "ES256",
        resource: str | None = audience,
        client: str = "web",
    ) -> dict[str, Any]:
        """What the token endpoint gives an application in which a person signs in, by a code with
        PKCE: an access token, opaque where it asks for no resource, and an ID token. Those of the
        client `plain` say `JWT` alike."""
        verifier = secrets.token_urlsafe(32)
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
        asked = {"resource": resource} if resource else {}
        client_id = f"{client}-{algorithm}"
        with httpx2.Client(trust_env=False, verify=NO_AUTHORITY) as browser:
            code = self._consent(
                browser,
                person,
                {
                    "client_id": client_id,
                    "code_challenge": challenge,
                    "code_challenge_method": "S256",
                    "redirect_uri": CALLBACK,
                    "response_type": "code",
                    "scope": " ".join(("openid", *scopes)),
                    **asked,
                },
            )
            given = browser.post(
                f"{self.url}/token",
                auth=(client_id, self._secret),
                data={
                    "grant_type": "authorization_code",
                    "code": code,
                    "code_verifier": verifier,
                    "redirect_uri": CALLBACK,
                    **asked,
                },
            )
        given.raise_for_status()
        answer: dict[str, Any] = given.json()
        return answer

    def _consent(self, browser: httpx2.Client, person: str, asked: dict[str, str]) -> str:
        """Go through the provider's pages as a person does, to the code at their end."""
        response = browser.get(f"{self.url}/auth", params=asked)
        while not (target := response.headers.get("location", "")).startswith(CALLBACK):
            if target:
                response = browser.get(urljoin(self.url, target))
                continue
            response.raise_for_status()
            action, prompt = re.findall(
                r'action="([^"]+)"|name="prompt" value="(\w+)"', response.text
            )
            filled = {"prompt": prompt[1], "login": person, "password": "any"}
            response = browser.post(urljoin(self.url, action[0]), data=filled)
        return parse_qs(urlsplit(target).query)["code"][0]

    def rotate(self, kind: str = "EC") -> str:
        """Begin to sign with a new key of that kind, beside the old ones, and give its id."""
        kid = self._make(kind)
        if self.is_running:
            self._tell(keys=self._jwks())
        return kid

    def retire(self, kid: str) -> None:
        """Forget a key: the provider signs with it no more, and shows it no more."""
        del self.keys[kid]
        self._tell(keys=self._jwks())

    @property
    def requests(self) -> dict[str, int]:
        """How often each path was asked for since the start."""
        requests: dict[str, int] = self._tell()["requests"]
        return requests

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def start(self) -> None:
        """Begin to answer, with the keys as they are."""
        self._place.close()
        self._process = subprocess.Popen(
            [NODE, HERE / "provider.mjs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._tell(
            port=self._port,
            audience=self.audience,
            scopes=SCOPES,
            secret=self._secret,
            keys=self._jwks(),
        )

    def stop(self) -> None:
        """Refuse every connection from now on. The port stays its own."""
        self._end()
        self._place = self._held()

    def _held(self) -> socket.socket:
        """What keeps the port, and refuses every connection."""
        place = socket.socket()
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind(("127.0.0.1", self._port))
        return place

    def _end(self) -> None:
        """It ends with its input."""
        self._process.communicate()

    def _make(self, kind: str) -> str:
        key = _MAKE[kind]()
        kid = key.thumbprint()
        self.keys = {kid: key, **self.keys}
        return kid

    def _jwks(self) -> list[dict[str, Any]]:
        return [{**key.as_dict(private=True), "kid": kid} for kid, key in self.keys.items()]

    def _tell(self, **what: Any) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the identity provider has ended"
        answer: dict[str, Any] = json.loads(line)
        return answer
