"""What a back end in Python does, with a client made of the API's description. It prints what it
was answered."""

import json
import sys
from collections.abc import Callable
from typing import Any

import chat_sessions as api

_, url, token, body = sys.argv
configuration = api.Configuration(host=url, access_token=token)
sessions = api.SessionsApi(api.ApiClient(configuration))


def refused(request: Callable[..., Any], *given: Any) -> tuple[int, Any]:
    """Give the status and the problem that a request was refused with."""
    try:
        request(*given)
    except api.ApiException as refusal:
        return refusal.status, refusal.data
    raise AssertionError("It was not refused.")


create = api.SessionCreate(title="😀" * 150, external_id="python/1", metadata={"starred": True})
session = sessions.create_session(create)
held = sessions.get_session("ext:python/1")

said = api.MessageCreate(role=api.Role.USER, content="hi")
called = api.MessageCreate(role=api.Role.ASSISTANT, format="openai.chat", body=json.loads(body))
batch = api.MessagesAppend(messages=[said, called])
appended = sessions.append_messages(session.id, batch)

put = api.MessageReplace(role=api.Role.TOOL, content="sunny")
made = sessions.put_message(session.id, "ext:m/1", put)
got = sessions.get_message(session.id, "ext:m/1")

page = sessions.list_messages(session.id, after=1, view="text")
found = sessions.list_sessions(
    limit=10,
    archived=api.Marked.ANY,
    external_id="python/1",
    updated_after=session.last_updated.isoformat(),
)

patched = sessions.update_session(session.id, api.SessionUpdate(title="Lisbon"))

wrong, broken = refused(sessions.update_session, session.id, api.SessionUpdate(title="x" * 201))
taken, conflict = refused(sessions.create_session, create)
missing, gone = refused(sessions.get_session, "ext:none")

sessions.clear_messages(session.id)

print(
    json.dumps(
        {
            "held": [held.id == session.id, held.title, held.metadata],
            "appended": [
                [one.message_order, one.role, one.content, one.body] for one in appended.items
            ],
            "put": [made.external_id, got.content, got.message_order, got.id == made.id],
            "page": [[one.message_order, one.body] for one in page.items],
            "found": [one.external_id for one in found.items],
            "patched": [patched.title, patched.metadata, patched.archived],
            "wrong": [wrong, broken.errors[0].pointer],
            "taken": [taken, conflict.session_id == session.id],
            "missing": [missing, gone.detail],
            "left": sessions.get_session(session.id).message_count,
        }
    )
)
