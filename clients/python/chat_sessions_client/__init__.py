"""A client of chat-sessions: `Client`, `AsyncClient`, and the exceptions that they raise."""

from chat_sessions_client.async_client import AsyncClient
from chat_sessions_client.client import Client
from chat_sessions_client.errors import ChatSessionsError, ProblemError
from chat_sessions_client.exchange import Retries
from chat_sessions_client.operations import Tagged, external
from chat_sessions_client.version import VERSION

__all__ = [
    "VERSION",
    "AsyncClient",
    "ChatSessionsError",
    "Client",
    "ProblemError",
    "Retries",
    "Tagged",
    "external",
]
