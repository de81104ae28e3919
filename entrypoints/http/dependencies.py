"""The dependencies that routes declare by the types of their parameters."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Path, Security
from fastapi.security import HTTPBearer
from pydantic import PlainValidator, WithJsonSchema
from starlette.requests import Request

from domain.message import MessageRef
from domain.owner import Owner
from domain.session import SessionRef
from entrypoints.http.context import app_context
from entrypoints.http.references import message_ref, session_ref
from entrypoints.http.schema_types import SESSION_ID
from entrypoints.telemetry.request_context import request_context


class CallerBearer(HTTPBearer):
    """Returns the caller to a route. A PipelineRoute has authenticated the request by then, before
    it read the body; for any other route the request is authenticated here."""

    async def __call__(self, request: Request) -> Owner:  # type: ignore[override]
        caller = request_context(request).caller
        if caller is None:
            caller = (await app_context(request).authentication.principal(request)).owner
        return caller


BEARER = CallerBearer(
    auto_error=False,
    bearerFormat="JWT",
    scheme_name="bearerAuth",
    description="An access token (RFC 9068) of the service's identity provider; without one, a "
    "development token, as `chat-sessions token --subject NAME` prints it.",
)

Caller = Annotated[Owner, Security(BEARER)]


def _reference(parse: Callable[[str], object], description: str, example: str) -> object:
    """The type of a path's parameter that a PipelineRoute has parsed before; for any other route it
    is parsed here. FastAPI takes no union with a dataclass in it for one."""
    return Annotated[
        Any,
        PlainValidator(lambda given: parse(given) if isinstance(given, str) else given),
        WithJsonSchema({"type": "string", "examples": [example]}),
        Path(description=description),
    ]


if TYPE_CHECKING:
    SessionId = SessionRef
    MessageId = MessageRef
else:
    SessionId = _reference(
        session_ref, "The session's `id`, or `ext:` and its `external_id`.", SESSION_ID
    )
    MessageId = _reference(
        message_ref,
        "The message's `message_order`, or `last`, or `ext:` and its `external_id`.",
        "1",
    )
