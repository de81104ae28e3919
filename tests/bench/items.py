"""The same items asked for through OpenAI's Conversations API and through the service's own."""

from collections.abc import Callable, Sequence

from tests.bench import seeds
from tests.bench.client import CONNECTIONS
from tests.bench.people import WRITERS, People

CONVERSATIONS = "/v1/conversations"
FORMAT = "openai.response-item"
TEXT = "x" * seeds.TEXT_LENGTH

A_TURN = (
    {"type": "message", "role": "user", "content": TEXT},
    {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": '{"a":"b"}'},
    {"type": "function_call_output", "call_id": "call_1", "output": TEXT},
    {
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": TEXT, "annotations": []}],
    },
)
"""What an agent adds in one turn."""

TURNS = 12

Requests = Callable[[People], Sequence[bytes]]


def _conversation(people: People, who: str, turns: int) -> str:
    """The id of a new one of the person's, with so many turns."""
    made: str = people.told(who, CONVERSATIONS, {"items": A_TURN}).json()["id"]
    for _ in range(turns - 1):
        people.told(who, f"{CONVERSATIONS}/{made}/items", {"items": A_TURN})
    return made


def _natively(conversation: str) -> str:
    id_ = conversation.removeprefix("conv_")
    return f"/sessions/{'-'.join((id_[:8], id_[8:12], id_[12:16], id_[16:20], id_[20:]))}/messages"


def list_in_dialect(people: People) -> Sequence[bytes]:
    path = f"{CONVERSATIONS}/{_conversation(people, seeds.AGENT, TURNS)}/items"
    return [people.get(seeds.AGENT, f"{path}?limit={4 * TURNS}")] * CONNECTIONS


def list_natively(people: People) -> Sequence[bytes]:
    path = _natively(_conversation(people, seeds.AGENT, TURNS))
    asked = f"limit={4 * TURNS}&sort_order=desc"
    return [people.get(seeds.AGENT, f"{path}?{asked}")] * CONNECTIONS


def add_in_dialect(people: People) -> Sequence[bytes]:
    return [
        people.post(who, f"{CONVERSATIONS}/{made}/items", {"items": A_TURN})
        for who, made in _new(people).items()
    ]


def add_natively(people: People) -> Sequence[bytes]:
    body = {"messages": A_TURN, "format": FORMAT}
    return [people.post(who, _natively(made), body) for who, made in _new(people).items()]


def _new(people: People) -> dict[str, str]:
    return {who: _conversation(people, who, 1) for who in map(seeds.person, WRITERS)}
