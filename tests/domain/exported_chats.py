"""Messages as the exports of chat applications have them."""

from typing import Any

from domain.message import Role
from tests.domain.shape import Shape

PASTE = "Zeile mit Ümlaut\n" * 16_200
"""275,400 characters, as somebody pastes a log."""

EXTRACTED = "x" * 150_000


def chatgpt(id_: str, role: str, content: dict[str, Any], **others: Any) -> dict[str, Any]:
    """The message in a node of the tree under `mapping`."""
    author: dict[str, Any] = {"role": role, "name": None, "metadata": {}}
    return {
        "id": id_,
        "author": author,
        "create_time": 1717171717.717171,
        "content": content,
        "status": "finished_successfully",
        "end_turn": None,
        "weight": 1.0,
        "metadata": {"is_visually_hidden_from_conversation": role == "system", "title": "no"},
        "recipient": "all",
        **others,
    }


CHATGPT = {
    "a hidden system node": Shape(
        "chatgpt",
        chatgpt("n1", "system", {"content_type": "text", "parts": [""]}),
        Role.SYSTEM,
        external_id="n1",
    ),
    "what the person has told of themselves": Shape(
        "chatgpt",
        chatgpt(
            "n2",
            "user",
            {
                "content_type": "user_editable_context",
                "user_profile": "I sail",
                "user_instructions": "Be short",
            },
        ),
        Role.USER,
        external_id="n2",
    ),
    "a picture and a question": Shape(
        "chatgpt",
        chatgpt(
            "n3",
            "user",
            {
                "content_type": "multimodal_text",
                "parts": [
                    {
                        "content_type": "image_asset_pointer",
                        "asset_pointer": "sediment://file_0001",
                        "size_bytes": 12345,
                        "metadata": {"dalle": None, "title": "no"},
                    },
                    "Which rope is this?",
                ],
            },
        ),
        Role.USER,
        "Which rope is this?",
        external_id="n3",
    ),
    "code": Shape(
        "chatgpt",
        chatgpt(
            "n4",
            "assistant",
            {"content_type": "code", "language": "python", "text": "print(2 ** 70)"},
            recipient="python",
        ),
        Role.ASSISTANT,
        "print(2 ** 70)",
        external_id="n4",
    ),
    "what the code printed, with NUL": Shape(
        "chatgpt",
        chatgpt(
            "n5", "tool", {"content_type": "execution_output", "text": "1180591620717411303424\0"}
        ),
        Role.TOOL,
        "1180591620717411303424",
        external_id="n5",
    ),
    "thoughts": Shape(
        "chatgpt",
        chatgpt(
            "n6",
            "assistant",
            {
                "content_type": "thoughts",
                "thoughts": [{"summary": "Ropes", "content": "It may be a halyard"}],
                "source_analysis_msg_id": "n5",
            },
        ),
        Role.ASSISTANT,
        external_id="n6",
    ),
    "a recap of thoughts": Shape(
        "chatgpt",
        chatgpt(
            "n7", "assistant", {"content_type": "reasoning_recap", "content": "Thought for 5s"}
        ),
        Role.ASSISTANT,
        external_id="n7",
    ),
    "an empty answer": Shape(
        "chatgpt",
        chatgpt("n8", "assistant", {"content_type": "text", "parts": []}),
        Role.ASSISTANT,
        external_id="n8",
    ),
    "a long paste": Shape(
        "chatgpt",
        chatgpt("n9", "user", {"content_type": "text", "parts": [PASTE]}),
        Role.USER,
        PASTE,
        external_id="n9",
    ),
    "half an emoji": Shape(
        "chatgpt",
        chatgpt("n10", "assistant", {"content_type": "text", "parts": ["Ahoy \ud83d", "there"]}),
        Role.ASSISTANT,
        "Ahoy \nthere",
        external_id="n10",
    ),
    "results of a search": Shape(
        "chatgpt",
        chatgpt(
            "n11",
            "tool",
            {
                "content_type": "tether_quote",
                "url": "https://knots.example/bowline",
                "domain": "knots.example",
                "text": "The bowline does not slip.",
                "title": "Bowline",
            },
        ),
        Role.TOOL,
        "The bowline does not slip.\nBowline",
        external_id="n11",
    ),
}

CLAUDE = {
    "a person's words with a file's text": Shape(
        "claude",
        {
            "uuid": "5b1f6c1e-0000-4000-8000-000000000001",
            "text": "Sum this up",
            "sender": "human",
            "created_at": "2025-03-04T05:06:07.891011Z",
            "attachments": [{"file_name": "a.txt", "extracted_content": EXTRACTED}],
            "files": [],
        },
        Role.USER,
        "Sum this up",
    ),
    "an answer in blocks": Shape(
        "claude",
        {
            "uuid": "5b1f6c1e-0000-4000-8000-000000000002",
            "sender": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm", "summaries": [{"text": "Hm"}]},
                {"type": "text", "text": "It is short.", "citations": [{"url": "https://a"}]},
                {"type": "tool_use", "name": "repl", "input": {"code": "1 + 1"}},
                {
                    "type": "tool_result",
                    "tool_use_id": "t1",
                    "content": [{"type": "text", "text": "2"}],
                },
            ],
        },
        Role.ASSISTANT,
        "It is short.\n2",
    ),
}

CHATS = {
    "Open WebUI, asked with a file": Shape(
        "open-webui",
        {
            "id": "0f3c",
            "parentId": None,
            "childrenIds": ["1a", "1b"],
            "role": "user",
            "content": "What does it say?",
            "timestamp": 1700000000,
            "models": ["llama", "qwen"],
            "files": [{"type": "file", "name": "b.md", "url": "/files/1", "id": "f1"}],
        },
        Role.USER,
        "What does it say?",
        external_id="0f3c",
    ),
    "Open WebUI, one of several answers": Shape(
        "open-webui",
        {
            "id": "1b",
            "role": "assistant",
            "model": "qwen",
            "modelName": "Qwen",
            "modelIdx": 1,
            "content": "Nothing much.",
            "sources": [{"document": ["text of b.md"], "metadata": [{"title": "b.md"}]}],
            "usage": {"total_tokens": 12, "text": "no"},
            "done": True,
        },
        Role.ASSISTANT,
        "Nothing much.",
        external_id="1b",
    ),
    "LibreChat": Shape(
        "librechat",
        {
            "messageId": "3c1c",
            "parentMessageId": "00000000-0000-0000-0000-000000000000",
            "sender": "User",
            "isCreatedByUser": True,
            "text": "Ahoy",
            "children": [],
        },
        Role.USER,
        "Ahoy",
    ),
    "LibreChat's answer": Shape(
        "librechat",
        {
            "messageId": "3c1d",
            "sender": "GPT-4o",
            "text": "",
            "content": [
                {"type": "think", "think": "Hm"},
                {"type": "text", "text": {"value": "Ahoy", "annotations": []}},
                {
                    "type": "tool_call",
                    "tool_call": {"name": "f", "args": '{"text":"no"}', "output": "18 °C"},
                },
            ],
        },
        Role.ASSISTANT,
        "18 °C",
    ),
}
