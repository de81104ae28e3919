"""Conversations in the shapes in which people have them: what each framework, model API or export
calls a message, and what should be read out of it."""

from tests.domain.exported_chats import CHATGPT, CHATS, CLAUDE
from tests.domain.model_items import ANTHROPIC, FRAMEWORKS, OPENAI_CHAT, RESPONSES
from tests.domain.shape import Shape

SHAPES: dict[str, Shape] = {
    f"{shape.format}: {what}": shape
    for shapes in (CHATGPT, CLAUDE, CHATS, OPENAI_CHAT, RESPONSES, ANTHROPIC, FRAMEWORKS)
    for what, shape in shapes.items()
}
