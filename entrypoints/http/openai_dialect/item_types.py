"""The types of items that OpenAI's Conversations API has, and what each must have.

The names are those of `ConversationItem` and `ResponseInputItem` in OpenAI's description, as
openai-python 3.57 has them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from msgspec import Raw

from entrypoints.http.openai_dialect.json_members import Members

MESSAGE = "message"

NOTHING: Members = {}
_DONE = {"status": Raw(b'"completed"')}
_SEARCHED = {"execution": Raw(b'"server"'), **_DONE}
_DETAIL = {"detail": Raw(b'"auto"')}


@dataclass(frozen=True, slots=True)
class ItemType:
    """`prefix` begins the ids that are made for items of the type, `needs` are the members that one
    must have, `supplied` are those that a client may leave out and always gets."""

    prefix: str
    needs: Collection[str]
    supplied: Members = field(default_factory=dict)


ITEM_TYPES = {
    MESSAGE: ItemType("msg", ("role", "content"), _DONE),
    "reasoning": ItemType("rs", ("summary",)),
    "function_call": ItemType("fc", ("call_id", "name", "arguments"), _DONE),
    "function_call_output": ItemType("fco", ("output",), _DONE),
    "custom_tool_call": ItemType("ctc", ("call_id", "name", "input")),
    "custom_tool_call_output": ItemType("ctco", ("call_id", "output")),
    "file_search_call": ItemType("fs", ("queries",), _DONE),
    "web_search_call": ItemType("ws", ("action",), _DONE),
    "image_generation_call": ItemType("ig", (), _DONE),
    "computer_call": ItemType("cu", ("call_id",), {"pending_safety_checks": Raw(b"[]"), **_DONE}),
    "computer_call_output": ItemType("cuo", ("call_id", "output"), _DONE),
    "code_interpreter_call": ItemType("ci", ("container_id",), _DONE),
    "tool_search_call": ItemType("tsc", ("arguments",), _SEARCHED),
    "tool_search_output": ItemType("tso", ("tools",), _SEARCHED),
    "additional_tools": ItemType("at", ("role", "tools")),
    "configuration_update": ItemType("cfg", ()),
    "local_shell_call": ItemType("lsh", ("call_id", "action"), _DONE),
    "local_shell_call_output": ItemType("lsho", ("output",)),
    "shell_call": ItemType("sh", ("call_id", "action"), _DONE),
    "shell_call_output": ItemType("sho", ("call_id", "output"), _DONE),
    "apply_patch_call": ItemType("apc", ("call_id", "operation"), _DONE),
    "apply_patch_call_output": ItemType("apco", ("call_id",), _DONE),
    "mcp_list_tools": ItemType("mcpl", ("server_label", "tools")),
    "mcp_approval_request": ItemType("mcpr", ("server_label", "name", "arguments")),
    "mcp_approval_response": ItemType("mcpa", ("approval_request_id", "approve")),
    "mcp_call": ItemType("mcp", ("server_label", "name", "arguments")),
    "program": ItemType("prog", ("call_id", "code", "fingerprint")),
    "program_output": ItemType("progo", ("call_id", "result"), _DONE),
    "compaction": ItemType("cmp", ("encrypted_content",)),
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

PART_TYPES: Mapping[str, tuple[Collection[str], Members]] = {
    "input_text": (("text",), NOTHING),
    "output_text": (("text",), {"annotations": Raw(b"[]")}),
    "text": (("text",), NOTHING),
    "summary_text": (("text",), NOTHING),
    "reasoning_text": (("text",), NOTHING),
    "refusal": (("refusal",), NOTHING),
    "input_image": ((), _DETAIL),
    "computer_screenshot": ((), _DETAIL),
    "input_file": ((), NOTHING),
}
"""What a message's content is made of: the members that a part must have, and those that it is
supplied with."""
