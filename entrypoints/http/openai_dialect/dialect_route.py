"""The route class of the dialect, and the parameters of its paths."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Path
from starlette.requests import Request
from starlette.responses import Response

from domain.session import SessionRef
from entrypoints.http.context import app_context
from entrypoints.http.openai_dialect.conversation_ids import ItemRef, conversation_ref, item_ref
from entrypoints.http.openai_dialect.conversation_paths import CONVERSATIONS
from entrypoints.http.openai_dialect.process_memory import process_memory
from entrypoints.http.openai_dialect.refused_tries import retry_count
from entrypoints.http.pipeline import PipelineRoute
from entrypoints.http.problem_types import RATE_LIMITED, UNAVAILABLE
from entrypoints.http.problems import Problem

_INCLUDE = frozenset({"include", "include[]"})

_BEFORE_ALL = (RATE_LIMITED, UNAVAILABLE)
"""What the limits of rates raise before anything is done. Of a storage that does not answer nobody
knows what it has done: that is no Problem yet."""


class DialectRoute(PipelineRoute):
    """A route of the dialect. `include` is taken and asks for nothing, since items always come
    whole."""

    references = {"conversation_id": conversation_ref, "item_id": item_ref}  # noqa: RUF012 - as in the base
    creation_path = CONVERSATIONS

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_noting_refusals(request: Request) -> Response:
            try:
                return await handle(request)
            except Problem as problem:
                if problem.type in _BEFORE_ALL:
                    process_memory(request).refused.note(request, app_context(request).clock.now())
                raise

        return handle_noting_refusals

    def query_items(self, request: Request) -> list[tuple[str, str]]:
        return [pair for pair in super().query_items(request) if pair[0] not in _INCLUDE]


if TYPE_CHECKING:
    ConversationId = SessionRef
    ItemId = ItemRef
else:
    ConversationId = Annotated[Any, Path()]
    ItemId = Annotated[Any, Path()]


def may_be_done(request: Request) -> bool:
    """Whether an earlier try of the request may have been carried out, by what its client says and
    what this process has refused. To be asked once, before anything is done."""
    refused = process_memory(request).refused
    if not retry_count(request):
        refused.forget(request)
        return False
    return not refused.precede(request, app_context(request).clock.now())
