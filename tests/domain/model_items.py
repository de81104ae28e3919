"""Messages as model APIs and frameworks have them."""

from domain.message import Role
from tests.domain.shape import Shape

PIXEL = "data:image/png;base64,iVBORw0KGgo="
FETCHED = "fetched " * 5_625

OPENAI_CHAT = {
    "a developer's message": Shape(
        "openai.chat", {"role": "developer", "content": "Be brief"}, Role.DEVELOPER, "Be brief"
    ),
    "parts": Shape(
        "openai.chat",
        {
            "role": "user",
            "name": "Ana",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
            ],
        },
        Role.USER,
        "What is this?",
        name="Ana",
    ),
    "a call without content": Shape(
        "openai.chat",
        {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city":"Oslo"}'},
                }
            ],
        },
        Role.ASSISTANT,
    ),
    "a tool's result": Shape(
        "openai.chat",
        {"role": "tool", "tool_call_id": "call_1", "name": "weather", "content": "18 °C"},
        Role.TOOL,
        "18 °C",
    ),
    "a refusal and what was spoken": Shape(
        "openai.chat",
        {
            "role": "assistant",
            "refusal": "I will not.",
            "audio": {"id": "audio_1", "data": "UklGRg==", "transcript": "I will not."},
            "annotations": [{"type": "url_citation", "url_citation": {"title": "no"}}],
        },
        Role.ASSISTANT,
        "I will not.\nI will not.",
    ),
}

RESPONSES = {
    "a message": Shape(
        "openai.response-item",
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [
                {"type": "output_text", "text": "Ahoy", "annotations": [], "logprobs": []},
                {"type": "refusal", "refusal": "no more"},
            ],
        },
        Role.ASSISTANT,
        "Ahoy\nno more",
        external_id="msg_1",
    ),
    "reasoning": Shape(
        "openai.response-item",
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "It thinks"}],
            "encrypted_content": "gAAAA",
        },
        Role.ASSISTANT,
        external_id="rs_1",
    ),
    "a call": Shape(
        "openai.response-item",
        {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": "weather",
            "arguments": '{"city":"Oslo"}',
        },
        Role.ASSISTANT,
        external_id="fc_1",
    ),
    "a call's output": Shape(
        "openai.response-item",
        {"type": "function_call_output", "call_id": "call_1", "output": "18 °C"},
        Role.TOOL,
        "18 °C",
    ),
    "a call's output in parts": Shape(
        "openai.response-item",
        {
            "type": "custom_tool_call_output",
            "call_id": "call_2",
            "output": [
                {"type": "input_text", "text": "18 °C"},
                {"type": "input_image", "image_url": PIXEL},
            ],
        },
        Role.TOOL,
        "18 °C",
    ),
    "an asked approval": Shape(
        "openai.response-item",
        {"type": "mcp_approval_request", "id": "m_1", "name": "rm", "arguments": "{}"},
        Role.ASSISTANT,
        external_id="m_1",
    ),
    "a given approval": Shape(
        "openai.response-item",
        {"type": "mcp_approval_response", "approval_request_id": "m_1", "approve": True},
        Role.ASSISTANT,
    ),
}

ANTHROPIC = {
    "a document and a picture": Shape(
        "anthropic.message",
        {
            "role": "user",
            "content": [
                {
                    "type": "document",
                    "title": "Logbook",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
                    "cache_control": {"type": "ephemeral"},
                },
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0"},
                },
                {"type": "text", "text": "Where were we?"},
            ],
        },
        Role.USER,
        "Logbook\nWhere were we?",
    ),
    "thinking and a call": Shape(
        "anthropic.message",
        {
            "id": "msg_01",
            "type": "message",
            "role": "assistant",
            "model": "claude",
            "content": [
                {"type": "thinking", "thinking": "Hm", "signature": "EqQB"},
                {"type": "redacted_thinking", "data": "EmwK"},
                {"type": "text", "text": "I look it up."},
                {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"q": "bowline"}},
            ],
            "stop_reason": "tool_use",
            "usage": {"input_tokens": 10, "output_tokens": 20},
        },
        Role.ASSISTANT,
        "I look it up.",
        external_id="msg_01",
    ),
    "a long result": Shape(
        "anthropic.message",
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": FETCHED}],
        },
        Role.USER,
        FETCHED,
    ),
}

FRAMEWORKS = {
    "an AI SDK message": Shape(
        "ai-sdk.ui-message",
        {
            "id": "aJ0",
            "role": "assistant",
            "metadata": {"text": "no"},
            "parts": [
                {"type": "step-start"},
                {"type": "reasoning", "text": "Hm", "state": "done"},
                {"type": "text", "text": "Look:", "state": "done"},
                {"type": "file", "mediaType": "image/png", "url": PIXEL},
                {
                    "type": "tool-weather",
                    "toolCallId": "c1",
                    "state": "output-available",
                    "input": {"city": "Oslo"},
                    "output": [{"text": "18 °C"}],
                    "approval": {"id": "ap1", "approved": True},
                },
                {"type": "tool-boom", "state": "output-error", "errorText": "it broke"},
                {"type": "data-chart", "data": {"title": "Temperatures", "values": [1, 2]}},
                {"type": "source-url", "sourceId": "s", "url": "https://a", "title": "A"},
            ],
        },
        Role.ASSISTANT,
        "Look:\n18 °C\nit broke\nTemperatures\nA",
        external_id="aJ0",
    ),
    "LangChain, human": Shape(
        "langchain.message/1",
        {
            "type": "human",
            "data": {"content": "Ahoy", "additional_kwargs": {}, "type": "human", "name": None},
        },
        Role.USER,
        "Ahoy",
    ),
    "LangChain, ai": Shape(
        "langchain.message/1",
        {
            "type": "ai",
            "data": {
                "content": [{"type": "text", "text": "Aye"}],
                "response_metadata": {"logprobs": {"content": [{"text": "no"}]}},
                "tool_calls": [{"name": "f", "args": {"text": "no"}, "id": "c1"}],
                "usage_metadata": {"input_tokens": 1},
                "id": "run-1",
            },
        },
        Role.ASSISTANT,
        "Aye",
    ),
    "LangChain, tool": Shape(
        "langchain.message/1",
        {"type": "ToolMessage", "name": "f", "content": "18 °C", "tool_call_id": "c1"},
        Role.TOOL,
        "18 °C",
    ),
    "an ADK event": Shape(
        "adk.event/1",
        {
            "id": "ev1",
            "invocationId": "e-1",
            "author": "weather_agent",
            "content": {
                "role": "model",
                "parts": [
                    {"thought": True, "text": "Hm"},
                    {"text": "Let me see", "thoughtSignature": "CiQB"},
                    {"functionCall": {"id": "c1", "name": "f", "args": {"text": "no"}}},
                    {"functionResponse": {"id": "c1", "response": {"result": "18 °C"}}},
                    {"inlineData": {"mimeType": "image/png", "data": "iVBORw0"}},
                ],
            },
            "actions": {"stateDelta": {"city": None}, "artifactDelta": {}},
            "usageMetadata": {"promptTokenCount": 7},
            "timestamp": 1759000000.123456,
        },
        Role.ASSISTANT,
        "Let me see\n18 °C",
        external_id="ev1",
    ),
    "an ADK event of the person": Shape(
        "adk.event/1",
        {"id": "ev0", "author": "user", "content": {"role": "user", "parts": [{"text": "Ahoy"}]}},
        Role.USER,
        "Ahoy",
        external_id="ev0",
    ),
}
