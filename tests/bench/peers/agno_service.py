"""agno's AgentOS on SQLite, in an environment of its own: PORT FILE, then what to fill.

A run of an agent is a call of its model, so an append is by its storage's own `upsert_run`, behind
a route of ours. A run has a person's message and an answer.
"""

import json
import sqlite3
import sys
import uuid
from contextlib import closing
from typing import Annotated, Any

import uvicorn
from agno.db.base import SessionType
from agno.db.sqlite import SqliteDb
from agno.models.message import Message
from agno.os import AgentOS
from agno.os.authz import Authorization
from agno.run.agent import RunOutput
from agno.run.base import RunStatus
from agno.session import AgentSession
from fastapi import Body, FastAPI

AGENT = "bench"


def run_of(session_id: str, who: str, text: str, run_id: str | None = None) -> RunOutput:
    return RunOutput(
        run_id=run_id or str(uuid.uuid4()),
        agent_id=AGENT,
        session_id=session_id,
        user_id=who,
        content=text,
        messages=[Message(role="user", content=text), Message(role="assistant", content=text)],
        status=RunStatus.completed,
    )


def fill(database: SqliteDb, asked: dict[str, Any]) -> None:
    """A session with one run for each asked for; SQL makes the rest of the runs."""
    for who, session_id in asked["sessions"]:
        database.upsert_session(AgentSession(session_id=session_id, agent_id=AGENT, user_id=who))
        run = run_of(session_id, who, asked["text"], f"run-{session_id}")
        database.upsert_run(run, session_id, who, 0)
    for session_id in asked["listed"]:
        session = AgentSession(session_id=session_id, agent_id=AGENT, user_id=asked["lister"])
        database.upsert_session(session)
    assert database.get_sessions(session_type=SessionType.AGENT, user_id=asked["lister"])


def multiply(file: str, table: str, counts: dict[str, int]) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        own = {
            "run_id": "run_id || '-' || n",
            "run_index": "n",
            "run_data": "replace(run_data, run_id, run_id || '-' || n)",
        }
        columns = ", ".join(own.get(name, name) for name in names)
        for session_id, count in counts.items():
            connection.execute(
                "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ?) "
                f"INSERT INTO {table} SELECT {columns} FROM {table}, c WHERE session_id = ?",
                (max(count // 2, 1) - 1, session_id),
            )


def application(database: SqliteDb, key: str) -> FastAPI:
    """With its own check of tokens, by the issuer's public key."""
    tokens = Authorization(verification_keys=[key], algorithm="RS256")
    app: FastAPI = AgentOS(db=database, telemetry=False, authorization=tokens).get_app()

    @app.post("/appends/{session_id}", status_code=201)
    def append(session_id: str, body: Annotated[dict[str, str], Body()]) -> dict[str, Any]:
        run = run_of(session_id, body["user_id"], body["text"])
        database.upsert_run(run, session_id, body["user_id"])
        answer: dict[str, Any] = run.to_dict()
        return answer

    return app


if __name__ == "__main__":
    port, file, wanted = int(sys.argv[1]), sys.argv[2], json.loads(sys.stdin.read())
    storage = SqliteDb(db_file=file)
    fill(storage, wanted)
    multiply(file, storage.runs_table_name, wanted["counts"])
    uvicorn.run(
        application(storage, wanted["key"]), port=port, log_level="warning", access_log=False
    )
