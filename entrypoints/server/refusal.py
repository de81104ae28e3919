"""How the application words what the server refuses: as it words every refusal."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

import h11
from starlette.types import ASGIApp, Message, Scope

from entrypoints.http.middleware.access_log import GIVEN_UP
from entrypoints.http.middleware.request_head import REFUSED
from entrypoints.http.problems import Problem

_UNREAD = {
    "type": "http",
    "http_version": "1.1",
    "scheme": "http",
    "method": "_OTHER",
    "root_path": "",
    "path": "",
    "raw_path": b"",
    "query_string": b"",
    "headers": (),
}
"""For a request of which nothing has been understood."""


async def answer_refused(
    application: ASGIApp,
    scope: Scope | None,
    problem: Problem,
    common: Sequence[tuple[bytes, bytes]],
    send: Callable[[h11.Response | h11.Data | h11.EndOfMessage], None],
) -> None:
    """Send the problem, with every header that an answer has and those that all answers have in
    `common`, and say that the connection ends."""

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            status = HTTPStatus(message["status"])
            headers = [*common, *message["headers"], (b"connection", b"close")]
            send(h11.Response(status_code=status, headers=headers, reason=status.phrase))
        else:
            send(h11.Data(data=message["body"]))
            if not message.get("more_body", False):
                send(h11.EndOfMessage())

    given: dict[str, Any] = dict(scope or _UNREAD)
    given["state"] = {**given.get("state", {}), REFUSED: problem}
    given["state"].pop(GIVEN_UP, None)
    await application(given, nothing, answer)
