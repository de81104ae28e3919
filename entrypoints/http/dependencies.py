"""The dependencies that routes declare by the types of their parameters."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Security
from fastapi.security import HTTPBearer
from starlette.requests import Request

from domain.owner import Owner
from entrypoints.http.context import app_context
from entrypoints.http.schema_types import SESSION_ID, UUID_V7
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

SessionId = Annotated[
    UUID,
    Path(
        description="The session's `id`.",
        examples=[SESSION_ID],
        json_schema_extra={"pattern": f"^{UUID_V7}$"},
    ),
]
