"""Tokens shown to the routes, and what was answered."""

import time
from itertools import cycle, islice
from typing import Any

import httpx2

from tests.entrypoints.conftest import Api
from tests.routes import requests as all_requests

SECONDS = 0.020
"""Of processor time that a forgery may cost."""

Request = dict[str, Any]


def bearer(token: str) -> dict[bytes, bytes]:
    return {b"Authorization": b"Bearer " + token.encode()}


async def refused(
    api: Api,
    requests: dict[str, Request],
    session_id: str,
    status: int,
    routes: int = 99,
    first: int = 0,
) -> tuple[list[object], dict[str, float]]:
    """What was answered otherwise, and the least processor time that each took on its routes: on
    so many in turn, from the first on, so that all of them are asked."""
    wrong: list[object] = []
    took: dict[str, float] = {}
    asked = all_requests(session_id)
    by_turns = islice(cycle(asked), first % len(asked), None)
    for name, request in requests.items():
        for method, target, body in islice(by_turns, min(routes, len(asked))):
            began = time.process_time()
            answer = await api.client.request(method, target, **{"json": body, **request})
            took[name] = min(took.get(name, 1), time.process_time() - began)
            if answer.status_code != status or not _challenged(answer):
                wrong.append((name, method, target, answer.status_code))
    return wrong, took


def _challenged(answer: httpx2.Response) -> bool:
    """As RFC 6750 section 3 has it, where the token is what was wrong."""
    if answer.status_code != 401:
        return True
    challenge = answer.headers["www-authenticate"]
    given = answer.request.headers.get("authorization", "").startswith("Bearer ")
    return challenge.startswith('Bearer realm="chat-sessions", resource_metadata="http') and (
        ('error="invalid_token"' in challenge) == given
    )
