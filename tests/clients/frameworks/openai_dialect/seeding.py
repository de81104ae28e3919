"""A plugin of pytest for OpenAI's own tests: what they name is there before each, and the key that
they use is a token."""

import os
import sys

import httpx2
import pytest

TOKEN = os.environ.get("SEEDING_TOKEN", "")
NAMED = ("msg_abc", "after")
"""The ids of the items that the tests ask for."""


def pytest_collection_finish() -> None:
    sys.modules["tests.conftest"].api_key = TOKEN  # type: ignore[attr-defined]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    url = os.environ["TEST_API_BASE_URL"].removesuffix("/v1")
    said = [{"role": "user", "content": "string", "external_id": id_} for id_ in NAMED]
    httpx2.post(
        f"{url}/sessions/ext:conv_123/messages?create=true&existing=keep",
        headers={"Authorization": f"Bearer {TOKEN}"},
        json={"messages": said},
    ).raise_for_status()
