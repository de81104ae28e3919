"""The route of what happens in a session."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from fastapi import Header
from pydantic import AfterValidator, WithJsonSchema
from starlette.requests import Request
from starlette.responses import Response

from domain.errors import InvalidValue
from domain.page import OFFSET_MAX
from entrypoints.http.context import use_cases
from entrypoints.http.dependencies import Caller, SessionId
from entrypoints.http.event_stream import EVENT_STREAM, EventStream
from entrypoints.http.openapi.declared_responses import problems, success
from entrypoints.http.problems import in_header, invalid
from entrypoints.http.query_types import PLAIN_INTEGER
from entrypoints.http.routes.authenticated import authenticated_router

router = authenticated_router()

LAST_EVENT_ID = "Last-Event-ID"

EXAMPLE = """\
retry: 1042
id: 2

event: message
data: {"message_order":3,"role":"user","content":"And the museum?"}
id: 3

event: removed
data: {"message_order":2}

"""


def _checked(id_: str) -> str:
    if id_ and not (PLAIN_INTEGER.fullmatch(id_) and int(id_) <= OFFSET_MAX):
        raise InvalidValue("must be the id of an event, as it came")
    return id_


LastEventIds = Annotated[
    Sequence[Annotated[str, AfterValidator(_checked)]],
    Header(
        alias=LAST_EVENT_ID,
        description="The `id` that came last, so that the stream goes on from there: a "
        "`message_order`. Without one it begins now.",
    ),
    WithJsonSchema({"type": "string", "pattern": "^(0|[1-9][0-9]*)?$", "examples": ["2"]}),
]


@router.get(
    "/{session_id}/events",
    operation_id="followSession",
    status_code=200,
    response_class=EventStream,
    responses={
        200: {
            **success("What happens, as it happens."),
            "content": {EVENT_STREAM: {"example": EXAMPLE}},
        },
        **problems(404),
    },
)
async def follow_session(
    request: Request, caller: Caller, session_id: SessionId, last_event_ids: LastEventIds = ()
) -> Response:
    """What happens in the session, as server-sent events.

    - `message`: a message was appended; the data is the message, the id its `message_order`. Each
      comes once and in order, through reconnections too.
    - `replaced`: a message was replaced; the data is the message as it is now.
    - `removed`: `{"message_order": 7}`, or `{"before": 7}` where all messages with lower orders
      were removed.
    - `session`: the session's title, metadata or flags changed; the data is the session.

    The first lines are an `id` without an event, so that a client that loses its connection before
    any message goes on from there. The last three have no id and tell of what happens while one
    listens: after a gap, read the session again if its `ETag` has changed. Pass over events of
    other names. A comment comes every 15 seconds. The stream ends when the token expires, when the
    session is deleted, when the service stops, and after an hour; ask again with `Last-Event-ID`,
    after the milliseconds of `retry`. An `EventSource` cannot send the token; use `fetch`.
    """
    after = _only_id(last_event_ids)
    begin = partial(use_cases(request).follow_session, caller, session_id, after=after)
    return EventStream(request, begin)


def _only_id(ids: Sequence[str]) -> int | None:
    if len(ids) > 1:
        raise invalid([in_header("is given more than once", LAST_EVENT_ID)])
    return int(ids[0]) if ids and ids[0] else None
