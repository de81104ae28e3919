"""The route class of the dialect, and the parameters of its paths."""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Path
from starlette.requests import Request

from domain.session import SessionRef
from entrypoints.http.openai_dialect.conversation_ids import ItemRef, conversation_ref, item_ref
from entrypoints.http.openai_dialect.conversation_paths import CONVERSATIONS
from entrypoints.http.pipeline import PipelineRoute

_INCLUDE = frozenset({"include", "include[]"})

_RETRIES = "x-stainless-retry-count"


class DialectRoute(PipelineRoute):
    """A route of the dialect. `include` is taken and asks for nothing, since items always come
    whole."""

    references = {"conversation_id": conversation_ref, "item_id": item_ref}  # noqa: RUF012 - as in the base
    creation_path = CONVERSATIONS

    def query_items(self, request: Request) -> list[tuple[str, str]]:
        return [pair for pair in super().query_items(request) if pair[0] not in _INCLUDE]


if TYPE_CHECKING:
    ConversationId = SessionRef
    ItemId = ItemRef
else:
    ConversationId = Annotated[Any, Path()]
    ItemId = Annotated[Any, Path()]


def is_retry(request: Request) -> bool:
    """Whether the request has been sent before, as OpenAI's clients say it."""
    count = request.headers.get(_RETRIES, "0")
    return count.isdecimal() and int(count[:9]) > 0
