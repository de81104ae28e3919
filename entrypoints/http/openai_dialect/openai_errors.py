"""Errors in the form of OpenAI's API: what a Problem becomes under `/v1`."""

import json
import re
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from entrypoints.http.body import JSON
from entrypoints.http.openai_dialect.conversation_paths import PREFIX
from entrypoints.http.problems import FieldError, Problem
from entrypoints.telemetry.request_context import RequestContext

_CODES = {
    "unauthorized": "invalid_api_key",
    "too-many-followers": "rate_limit_exceeded",
    "rate-limited": "rate_limit_exceeded",
    "session-not-found": "conversation_not_found",
    "session-forbidden": "conversation_forbidden",
    "message-not-found": "item_not_found",
    "route-not-found": "unknown_url",
    "invalid-input": None,
}
"""The codes of those kinds of problems that have another than their name."""

_SENTENCES = {
    "unauthorized": "This needs an API key: an access token, as `Authorization: Bearer`.",
    "session-not-found": "There is no such conversation.",
    "session-forbidden": "The conversation belongs to someone else.",
    "message-not-found": "The conversation has no such item.",
}

ANY_PARAMETER = "*"
"""How the service's own API names a parameter that is not known."""

_INDEX = re.compile(r"/(\d+)(?=/|$)")


class OpenAIErrors:
    """The middleware has errors of the dialect's paths written as OpenAI's, whoever raises them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and f"{scope['path']}/".startswith(f"{PREFIX}/"):
            context: RequestContext = scope["state"]["context"]
            context.problem_form = error_response
        await self._app(scope, receive, send)


def error_response(problem: Problem, _: str) -> Response:
    """Return the response that a Problem is in OpenAI's form. The request's id is in its header."""
    status, kind = problem.type.status, problem.type.kind
    if status is HTTPStatus.UNPROCESSABLE_ENTITY:
        status = HTTPStatus.BAD_REQUEST
    error = {
        "message": _message(problem),
        "type": _type(status),
        "param": _param(problem.errors[0]) if problem.errors else None,
        "code": _CODES.get(kind, kind.replace("-", "_") or None),
    }
    content = json.dumps({"error": error}, ensure_ascii=False, separators=(",", ":"))
    return Response(content, status, problem.headers, media_type=JSON)


def _message(problem: Problem) -> str:
    if not problem.errors:
        own = problem.detail == problem.type.detail
        return _SENTENCES.get(problem.type.kind, problem.detail) if own else problem.detail
    return " ".join(map(_sentence, problem.errors))


def _sentence(error: FieldError) -> str:
    if name := _param(error):
        return f"Invalid '{name}': {error['detail']}."
    subject = "A parameter" if "parameter" in error else "The body"
    return f"{subject} {error['detail']}."


def _param(error: FieldError) -> str | None:
    """What broke a rule, as `items[0].content`; None for the whole body, and for what nothing is
    called."""
    if "parameter" in error:
        return None if error["parameter"] == ANY_PARAMETER else error["parameter"]
    path = _INDEX.sub(r"[\1]", error["pointer"].removeprefix("#"))
    return path.removeprefix("/").replace("/", ".") or None


def _type(status: HTTPStatus) -> str:
    if status is HTTPStatus.TOO_MANY_REQUESTS:
        return "requests"
    return "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
