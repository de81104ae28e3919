"""The types of items that OpenAI's Conversations API has, and what each must have.

The names are those of `ConversationItem` and `ResponseInputItem` in OpenAI's description, as
openai-python 3.57 has them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

MESSAGE = "message"

_DONE = {"status": "completed"}
_SEARCHED = {"execution": "server", **_DONE}
_DETAIL = {"detail": "auto"}


@dataclass(frozen=True, slots=True)
class ItemType:
    """`prefix` begins the ids that are made for items of the type, `needs` are the members that one
    must have, `supplied` are those that a client may leave out and always gets."""

    prefix: str
    needs: frozenset[str]
    supplied: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PartType:
    """The same of the parts that a message's content is made of. What one must have are strings."""

    needs: frozenset[str]
    supplied: Mapping[str, object]


_NOTHING: Mapping[str, object] = {}


def _item(prefix: str, *needs: str, supplied: Mapping[str, object] = _NOTHING) -> ItemType:
    return ItemType(prefix, frozenset(needs), supplied)


def _part(*needs: str, supplied: Mapping[str, object] = _NOTHING) -> PartType:
    return PartType(frozenset(needs), supplied)


ITEM_TYPES = {
    MESSAGE: _item("msg", "role", "content", supplied=_DONE),
    "reasoning": _item("rs", "summary"),
    "function_call": _item("fc", "call_id", "name", "arguments", supplied=_DONE),
    "function_call_output": _item("fco", "output", supplied=_DONE),
    "custom_tool_call": _item("ctc", "call_id", "name", "input"),
    "custom_tool_call_output": _item("ctco", "call_id", "output"),
    "file_search_call": _item("fs", "queries", supplied=_DONE),
    "web_search_call": _item("ws", "action", supplied=_DONE),
    "image_generation_call": _item("ig", supplied=_DONE),
    "computer_call": _item("cu", "call_id", supplied={"pending_safety_checks": (), **_DONE}),
    "computer_call_output": _item("cuo", "call_id", "output", supplied=_DONE),
    "code_interpreter_call": _item("ci", "container_id", supplied=_DONE),
    "tool_search_call": _item("tsc", "arguments", supplied=_SEARCHED),
    "tool_search_output": _item("tso", "tools", supplied=_SEARCHED),
    "additional_tools": _item("at", "role", "tools"),
    "configuration_update": _item("cfg"),
    "local_shell_call": _item("lsh", "call_id", "action", supplied=_DONE),
    "local_shell_call_output": _item("lsho", "output"),
    "shell_call": _item("sh", "call_id", "action", supplied=_DONE),
    "shell_call_output": _item("sho", "call_id", "output", supplied=_DONE),
    "apply_patch_call": _item("apc", "call_id", "operation", supplied=_DONE),
    "apply_patch_call_output": _item("apco", "call_id", supplied=_DONE),
    "mcp_list_tools": _item("mcpl", "server_label", "tools"),
    "mcp_approval_request": _item("mcpr", "server_label", "name", "arguments"),
    "mcp_approval_response": _item("mcpa", "approval_request_id", "approve"),
    "mcp_call": _item("mcp", "server_label", "name", "arguments"),
    "program": _item("prog", "call_id", "code", "fingerprint"),
    "program_output": _item("progo", "call_id", "result", supplied=_DONE),
    "compaction": _item("cmp", "encrypted_content"),
}

ROLES = (
    "assistant",
    "critic",
    "developer",
    "discriminator",
    "system",
    "tool",
    "unknown",
    "user",
)
"""The roles of messages."""

PART_TYPES = {
    "input_text": _part("text"),
    "output_text": _part("text", supplied={"annotations": ()}),
    "text": _part("text"),
    "summary_text": _part("text"),
    "reasoning_text": _part("text"),
    "refusal": _part("refusal"),
    "input_image": _part(supplied=_DETAIL),
    "computer_screenshot": _part(supplied=_DETAIL),
    "input_file": _part(),
}
"""What a message's content is made of."""
