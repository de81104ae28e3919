"""Google ADK's API server on SQLite, in an environment of its own: PORT FILE, then what to fill.

Its agent says nothing and calls no model, so that a run stores what the person said and ends.
"""

import asyncio
import json
import sqlite3
import sys
from collections.abc import AsyncGenerator
from contextlib import closing
from typing import Any

import uvicorn
from google.adk.agents import BaseAgent, InvocationContext
from google.adk.cli.fast_api import get_fast_api_app
from google.adk.cli.utils.base_agent_loader import BaseAgentLoader
from google.adk.events import Event
from google.adk.sessions.database_session_service import DatabaseSessionService
from google.genai.types import Content, Part

APP = "bench"


class Listener(BaseAgent):  # type: ignore[misc]
    async def _run_async_impl(self, _: InvocationContext) -> AsyncGenerator[Event, None]:
        return
        yield


class Loader(BaseAgentLoader):  # type: ignore[misc]
    def load_agent(self, agent_name: str) -> BaseAgent:
        assert agent_name == APP
        return Listener(name=APP)

    def list_agents(self) -> list[str]:
        return [APP]


async def fill(url: str, asked: dict[str, Any]) -> None:
    """A session with one message for each asked for; SQL makes the rest of the messages."""
    service = DatabaseSessionService(url)
    said = Content(role="user", parts=[Part(text=asked["text"])])
    for who, session_id in asked["sessions"]:
        session = await service.create_session(app_name=APP, user_id=who, session_id=session_id)
        await service.append_event(session, Event(author="user", content=said))
    for session_id in asked["listed"]:
        await service.create_session(app_name=APP, user_id=asked["lister"], session_id=session_id)


def multiply(file: str, counts: dict[str, int]) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        names = [row[1] for row in connection.execute("PRAGMA table_info(events)")]
        own = {"id": "id || '-' || n", "timestamp": "datetime(timestamp, '+' || n || ' seconds')"}
        columns = ", ".join(own.get(name, name) for name in names)
        for session_id, count in counts.items():
            connection.execute(
                "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ?) "
                f"INSERT INTO events SELECT {columns} FROM events, c WHERE session_id = ?",
                (count - 1, session_id),
            )


if __name__ == "__main__":
    port, file, wanted = int(sys.argv[1]), sys.argv[2], json.loads(sys.stdin.read())
    url = f"sqlite+aiosqlite:///{file}"
    asyncio.run(fill(url, wanted))
    multiply(file, wanted["counts"])
    app = get_fast_api_app(
        agents_dir=".", agent_loader=Loader(), session_service_uri=url, web=False
    )
    uvicorn.run(app, port=port, log_level="warning", access_log=False)
