"""A pytest plugin with which Strands' own tests have a repository that the service keeps.

It runs in the folder of their source, whose `tests` are theirs.
"""

import os
from importlib import import_module
from typing import Any

from chat_sessions_client import Client
from chat_sessions_client.strands import ChatSessionRepository


class InPlaceOfMock(ChatSessionRepository):
    """Each for a person of its own, since their tests use the same ids again."""

    def __init__(self) -> None:
        client = Client(os.environ["SERVICE_URL"], os.environ["SERVICE_TOKEN"])
        client.delete_sessions(everything=True)
        super().__init__(client)


_mock: Any = import_module("tests.fixtures.mock_session_repository")
_mock.MockedSessionRepository = InPlaceOfMock
