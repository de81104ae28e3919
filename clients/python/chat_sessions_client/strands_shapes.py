"""How Strands' messages and states are stored."""

from contextlib import suppress
from typing import Any

from strands.multiagent import MultiAgentBase
from strands.types.session import SessionAgent, SessionMessage

from chat_sessions_client.json_values import as_json
from chat_sessions_client.records import record
from chat_sessions_client.shapes import JsonObject, MessageCreate, MessageResponse
from chat_sessions_client.text import storable

MESSAGE, STATE = "strands.session-message/1", "strands.state/1"
_USE = {"toolUseId": "", "name": "", "input": {}}
_RESULT: JsonObject = {"toolUseId": "", "content": []}


def said(agent_id: str, message: SessionMessage) -> MessageCreate:
    """Its text is what may be shown, which is other than the original where that is redacted."""
    shown = message.to_message()
    text = "\n".join(part.get("text") or "" for part in shown["content"] if "text" in part)
    said: MessageCreate = {"role": shown["role"], "content": storable(text), "name": agent_id}
    name = f"message/{agent_id}/{message.message_id}"
    return {**said, "external_id": name, "format": MESSAGE, "body": as_json(message.to_dict())}


def of_agent(agent_id: str, stored: MessageResponse) -> list[SessionMessage]:
    """The message, if it is one of the agent's."""
    is_theirs = (stored["format"], stored["name"]) == (MESSAGE, agent_id)
    found = read(stored["body"]) if is_theirs else None
    return [found] if found else []


def read(body: JsonObject | None) -> SessionMessage | None:
    """None where somebody else has stored something else in this format."""
    with suppress(Exception):
        found = SessionMessage.from_dict(body or {})
        number, redacted = (body or {})["message_id"], found.redact_message
        if isinstance(number, int) and _is_whole(found.message):
            return found if redacted is None or _is_whole(redacted) else None
    return None


def _is_whole(message: Any) -> bool:  # noqa: ANN401 - whatever is stored
    """Whether an agent can be made with it."""
    parts = message["content"] if message["role"] in {"user", "assistant"} else None
    return isinstance(parts, list) and all(map(_is_part, parts))


def _is_part(part: Any) -> bool:  # noqa: ANN401
    use, result = part.get("toolUse", _USE), part.get("toolResult", _RESULT)
    named = [isinstance(one["toolUseId"], str) for one in (use, result)]
    texts = [isinstance(use["name"], str), isinstance(part.get("text"), str | None)]
    return all(named + texts) and "input" in use and isinstance(result["content"], list)


def agent_of(body: JsonObject | None) -> SessionAgent | None:
    """None where somebody has made something else of the state."""
    with suppress(Exception):
        found = SessionAgent.from_dict(body or {})
        manager = found.conversation_manager_state
        members: list[object] = [found.state, manager, found._internal_state]  # noqa: SLF001
        if all(isinstance(one, dict) for one in members):
            if "__name__" in manager:
                manager.setdefault("removed_message_count", 0)
            return found
    return None


def is_broken(body: JsonObject | None) -> bool:
    """Whether there is a state, of which somebody has made something else."""
    return body is not None and agent_of(body) is None


def agent_state(agent: SessionAgent) -> MessageCreate:
    return {**record(STATE, as_json(agent.to_dict())), "external_id": f"agent/{agent.agent_id}"}


def shared_state(agents: MultiAgentBase) -> MessageCreate:
    return {
        **record(STATE, as_json(agents.serialize_state())),
        "external_id": f"multi-agent/{agents.id}",
    }
