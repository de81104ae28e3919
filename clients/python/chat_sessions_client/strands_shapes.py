"""How Strands' messages and states are stored."""

from contextlib import suppress

from strands.multiagent import MultiAgentBase
from strands.types.session import SessionAgent, SessionMessage

from chat_sessions_client.json_values import as_json
from chat_sessions_client.records import record
from chat_sessions_client.shapes import MessageCreate, MessageResponse
from chat_sessions_client.text import storable

MESSAGE, STATE = "strands.session-message/1", "strands.state/1"


def said(agent_id: str, message: SessionMessage) -> MessageCreate:
    """Its text is what may be shown, which is other than the original where that is redacted."""
    shown = message.to_message()
    text = "\n".join(part.get("text") or "" for part in shown["content"] if "text" in part)
    said: MessageCreate = {"role": shown["role"], "content": storable(text), "name": agent_id}
    name = f"message/{agent_id}/{message.message_id}"
    return {**said, "external_id": name, "format": MESSAGE, "body": as_json(message.to_dict())}


def read(stored: MessageResponse) -> list[SessionMessage]:
    """None where somebody else has stored something else in this format."""
    with suppress(Exception):
        body = stored["body"] or {}
        found = SessionMessage.from_dict(body)
        if isinstance(body["message_id"], int) and isinstance(body["message"]["content"], list):
            return [found]
    return []


def agent_state(agent: SessionAgent) -> MessageCreate:
    return {**record(STATE, as_json(agent.to_dict())), "external_id": f"agent/{agent.agent_id}"}


def shared_state(agents: MultiAgentBase) -> MessageCreate:
    return {
        **record(STATE, as_json(agents.serialize_state())),
        "external_id": f"multi-agent/{agents.id}",
    }
