"""Messages as frameworks, model APIs and exports have them: their shapes, in words of ours."""

from dataclasses import dataclass
from typing import Any

HALF_AN_EMOJI = "\ud83d"
PASTE = "All of the novel. " * 15_000
PICTURE = "data:image/png;base64,iVBORw0KGgo="


@dataclass(frozen=True)
class Shape:
    """Items of one format, each with the role and the text that a person reads."""

    format: str
    items: list[dict[str, Any]]
    roles: list[str]
    texts: list[str]
    external_ids: list[str | None] | None = None
    names: list[str | None] | None = None


SHAPES = {
    "OpenAI chat completions": Shape(
        "openai.chat",
        [
            {"role": "developer", "content": "Answer in rhymes."},
            {
                "role": "user",
                "name": "Ada",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": PICTURE, "detail": "low"}},
                ],
            },
            {
                "role": "assistant",
                "content": None,
                "refusal": None,
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "look", "arguments": '{"closely": true}'},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "name": "look", "content": "a canoe\0"},
        ],
        ["developer", "user", "assistant", "tool"],
        ["Answer in rhymes.", "What is this?", "", "a canoe"],
        names=[None, "Ada", None, None],
    ),
    "OpenAI Responses": Shape(
        "openai.response-item",
        [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"},
            {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look",
             "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "a canoe"},
            {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
             "content": [{"type": "output_text", "text": "A canoe.", "annotations": [],
                          "logprobs": [{"token": "A", "logprob": -1.50}]}]},
        ],
        ["user", "assistant", "assistant", "tool", "assistant"],
        ["Hi", "", "", "a canoe", "A canoe."],
        [None, "rs_1", "fc_1", None, "msg_1"],
    ),
    "Anthropic messages": Shape(
        "anthropic.message",
        [
            {"role": "user", "content": "Which canoe?"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Let me see.", "signature": "EqQB"},
                    {"type": "text", "text": "I look."},
                    {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": 1}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1", "content": "c" * 45_000},
                    {"type": "document", "title": "Canoes",
                     "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}},
                ],
            },
        ],
        ["user", "assistant", "user"],
        ["Which canoe?", "I look.", "c" * 45_000 + "\nCanoes"],
    ),
    "AI SDK": Shape(
        "ai-sdk.ui-message",
        [
            {"id": "msg-1", "role": "user", "metadata": {"sentAt": 1767323045678},
             "parts": [{"type": "text", "text": "See this"},
                       {"type": "file", "mediaType": "image/png", "url": PICTURE}]},
            {"id": "msg-2", "role": "assistant",
             "parts": [{"type": "step-start"},
                       {"type": "reasoning", "text": "Hm.", "state": "done"},
                       {"type": "tool-delete", "toolCallId": "c1", "state": "approval-requested",
                        "input": {"path": "a.txt"}, "approval": {"id": "ap-1"}},
                       {"type": "text", "text": "May I?"}]},
        ],
        ["user", "assistant"],
        ["See this", "May I?"],
        ["msg-1", "msg-2"],
    ),
    "LangChain": Shape(
        "langchain.message/1",
        [
            {"type": "human", "data": {"content": "Hi", "additional_kwargs": {}, "type": "human",
                                       "name": None, "id": None, "example": False}},
            {"type": "ai", "data": {"content": "Hello", "tool_calls": [], "type": "ai",
                                    "response_metadata": {"logprobs": {"content": [-9999.0]}}}},
            {"type": "tool", "data": {"content": "found", "tool_call_id": "c1", "type": "tool"}},
        ],
        ["user", "assistant", "tool"],
        ["Hi", "Hello", "found"],
    ),
    "ADK": Shape(
        "adk.event/1",
        [
            {"id": "e-1", "author": "user", "invocationId": "i-1", "timestamp": 1767323045.678901,
             "content": {"role": "user", "parts": [{"text": "Hi"}]},
             "actions": {"stateDelta": {"mood": None}}},
            {"id": "e-2", "author": "planner", "invocationId": "i-1", "partial": None,
             "content": {"role": "model", "parts": [
                 {"text": "I think", "thought": True, "thoughtSignature": "CtEB"},
                 {"text": "Hello"},
                 {"inlineData": {"mimeType": "image/png", "data": "iVBO"}}]}},
        ],
        ["user", "assistant"],
        ["Hi", "Hello"],
        ["e-1", "e-2"],
    ),
    "ChatGPT's export": Shape(
        "chatgpt.export",
        [
            {"id": "client-created-root", "message": None, "parent": None, "children": ["n1"]},
            {"id": "n1", "author": {"role": "system", "name": None}, "weight": 0.0,
             "content": {"content_type": "text", "parts": [""]},
             "metadata": {"is_visually_hidden_from_conversation": True}},
            {"id": "n2", "author": {"role": "user"}, "create_time": 1767323045.678901,
             "content": {"content_type": "multimodal_text",
                         "parts": [{"content_type": "image_asset_pointer",
                                    "asset_pointer": "file-service://file-1", "size_bytes": 9},
                                   PASTE, f"and this {HALF_AN_EMOJI}"]}},
            {"id": "n3", "author": {"role": "assistant"}, "recipient": "python",
             "content": {"content_type": "code", "language": "python", "text": "print('\0')"}},
            {"id": "n4", "author": {"role": "tool", "name": "python"},
             "content": {"content_type": "execution_output", "text": "\0"}},
            {"id": "n5", "author": {"role": "assistant"},
             "content": {"content_type": "thoughts",
                         "thoughts": [{"summary": "Sum", "content": "Deep"}]}},
        ],
        ["assistant", "system", "user", "assistant", "tool", "assistant"],
        ["", "", f"{PASTE}\nand this ", "print('')", "", ""],
        ["client-created-root", "n1", "n2", "n3", "n4", "n5"],
    ),
    "Claude's export": Shape(
        "claude.export",
        [
            {"uuid": "u-1", "sender": "human", "text": "", "created_at": "2026-01-02T03:04:05Z",
             "content": [{"type": "text", "text": "Read it", "citations": []}],
             "attachments": [{"file_name": "a.txt", "extracted_content": "x" * 150_000}]},
            {"uuid": "u-2", "sender": "assistant", "files": [],
             "content": [{"type": "text", "text": "I did", "start_timestamp": None}]},
        ],
        ["user", "assistant"],
        ["Read it", "I did"],
    ),
    "Open WebUI": Shape(
        "open-webui.message",
        [
            {"id": "w-1", "parentId": None, "childrenIds": ["w-2", "w-3"], "role": "user",
             "content": "Twice", "files": [{"type": "file", "url": "f-1"}], "models": ["a", "b"]},
            {"id": "w-2", "parentId": "w-1", "role": "assistant", "content": "One", "modelIdx": 0,
             "sources": [{"source": {"name": "s"}, "document": ["d"], "distances": [0.10]}]},
            {"id": "w-3", "parentId": "w-1", "role": "assistant", "content": "Two", "modelIdx": 1},
        ],
        ["user", "assistant", "assistant"],
        ["Twice", "One", "Two"],
        ["w-1", "w-2", "w-3"],
    ),
    "LibreChat": Shape(
        "librechat.message",
        [
            {"messageId": "l-1", "sender": "User", "text": "Hi", "isCreatedByUser": True,
             "children": [{"messageId": "l-2"}]},
            {"messageId": "l-2", "sender": "GPT", "isCreatedByUser": False, "text": "",
             "content": [{"type": "text", "text": {"value": "Hello"}}]},
        ],
        ["user", "assistant"],
        ["Hi", ""],
    ),
}  # fmt: skip

NOT_JSON = '{"type": "ai", "data": {"content": "Hi", "logprobs": [-Infinity]}}'
"""What LangChain writes of a token that is impossible."""
