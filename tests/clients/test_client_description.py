"""`clients/python` has all that docs/openapi.json describes."""

import inspect
import json
from typing import Any, get_type_hints

import httpx2
import pytest
from chat_sessions_client import AsyncClient, Client, shapes
from chat_sessions_client.errors import URN, ProblemError, problem_error

from entrypoints.http.problem_types import PROBLEM_TYPES, ProblemType
from tests.clients.conftest import DESCRIPTION

DESCRIBED: dict[str, Any] = json.loads(DESCRIPTION.read_text())
METHODS = {
    "listSessions": ("sessions", "sessions_page"),
    "createSession": ("create_session",),
    "deleteSessions": ("delete_sessions",),
    "getSession": ("session", "tagged_session"),
    "updateSession": ("change_session",),
    "deleteSession": ("delete_session",),
    "followSession": ("events",),
    "listMessages": ("messages", "messages_page"),
    "appendMessages": ("append",),
    "clearMessages": ("clear_messages",),
    "getMessage": ("message", "tagged_message"),
    "putMessage": ("put_message",),
    "removeMessage": ("delete_message",),
    "search": ("search", "search_page"),
    "exportSessions": ("export",),
    "importSessions": ("import_lines",),
}
OTHERS = {"close", "aclose", "with_options"}
FOR_OPERATORS = {"getLiveness", "getReadiness", "getMetrics", "getProtectedResource"}
NAMES = {
    "session_id": "session",
    "message_order": "ref",
    "session_ids": "sessions",
    "all": "everything",
    "Idempotency-Key": "idempotency_key",
    "If-Match": "if_match",
    "Last-Event-ID": "after",
}
"""Parameters and members with other names here."""

CACHES = {"getSession", "listMessages", "getMessage"}
"""Their If-None-Match is for whoever keeps answers, which the client does not."""

NOT_SHAPES = {
    "ConflictResponse": "an exception",
    "InvalidInputResponse": "an exception",
    "ProblemResponse": "an exception",
    "Existing": "a literal",
    "Lines": "lines",
    "LivenessResponse": "for operators",
    "Marked": "a literal",
    "MessageSort": "a literal",
    "MessagesAppend": "an argument",
    "MessagesResponse": "its items are returned",
    "ProtectedResourceResponse": "for operators",
    "ReadinessResponse": "for operators",
    "Role": "a literal",
    "SessionCreate": "arguments",
    "SessionDeletions": "arguments",
    "SessionSort": "a literal",
    "SortOrder": "a literal",
}


def operations() -> dict[str, Any]:
    found = (
        operation
        for path in DESCRIBED["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    )
    return {one["operationId"]: one for one in found}


def taken(client: type[Any], method: str) -> set[str]:
    """The names of a method's arguments."""
    function = getattr(client, method)
    names = {*inspect.signature(function).parameters}
    query = get_type_hints(function).get("query")
    return names | ({*query.__args__[0].__annotations__} if query else set())


def parameters(operation: dict[str, Any]) -> set[str]:
    named = {one["name"] for one in operation.get("parameters", ())}
    if operation["operationId"] in CACHES:
        named -= {"If-None-Match"}
    for content in operation.get("requestBody", {}).get("content", {}).values():
        name = content["schema"].get("$ref", "").rpartition("/")[2]
        if name in {"SessionCreate", "MessagesAppend", "SessionDeletions"}:
            named |= DESCRIBED["components"]["schemas"][name]["properties"].keys()
    return named


def test_each_operation_has_a_method_with_all_that_it_takes() -> None:
    described = operations()
    assert described.keys() - FOR_OPERATORS == METHODS.keys()
    for operation, methods in METHODS.items():
        for method in methods:
            wanted = {NAMES.get(name, name) for name in parameters(described[operation])}
            if operation == "putMessage":
                wanted = wanted - {"If-None-Match"} | {"create"}
            elif operation in {"search", "exportSessions"}:
                wanted = wanted - {"session"} | {
                    "session_id" if operation == "search" else "session"
                }
            for client in (Client, AsyncClient):
                assert wanted <= taken(client, method), (client, method)


def test_both_clients_have_the_same_methods() -> None:
    for method in {one for methods in METHODS.values() for one in methods} | {"with_options"}:
        plain, asynchronous = (
            inspect.signature(getattr(client, method)) for client in (Client, AsyncClient)
        )
        assert [*plain.parameters.values()][1:] == [*asynchronous.parameters.values()][1:] or (
            method in {"import_lines", "with_options"}
        )
        assert inspect.getdoc(getattr(Client, method)) == inspect.getdoc(
            getattr(AsyncClient, method)
        )
    for client in (Client, AsyncClient):
        public = {name for name in vars(client) if not name.startswith("_")}
        assert public - OTHERS == {one for methods in METHODS.values() for one in methods}


def test_each_shape_has_the_members_of_its_schema() -> None:
    schemas = DESCRIBED["components"]["schemas"]
    for name, schema in schemas.items():
        if name in NOT_SHAPES:
            continue
        shape = getattr(shapes, name)
        assert shape.__annotations__.keys() == schema["properties"].keys(), name
        assert shape.__required_keys__ == {*schema.get("required", ())}, name
    assert NOT_SHAPES.keys() <= schemas.keys()


@pytest.mark.parametrize("of", PROBLEM_TYPES, ids=lambda of: f"{of.status.value} {of.kind}")
def test_each_problem_has_an_exception(of: ProblemType) -> None:
    problem = {"type": URN + of.kind, "title": of.title, "detail": of.detail, "request_id": "r"}
    error = problem_error(httpx2.Response(of.status, json=problem, headers={"Retry-After": "7"}))
    assert (error.status, error.kind, type(error).of_status) == (of.status, of.kind, of.status)
    told = (error.type, error.title, error.detail, error.request_id, error.retry_after)
    assert told == (URN + of.kind, of.title, of.detail, "r", 7)


@pytest.mark.parametrize(
    ("status", "body", "name"),
    [
        (404, b'{"type": "urn:problem-type:chat-sessions:new-kind"}', "NotFound"),
        (429, b"<html>", "TooManyRequests"),
        (418, b"[]", "ProblemError"),
        (599, b"", "ProblemError"),
    ],
)
def test_an_unknown_problem_is_of_its_status(status: int, body: bytes, name: str) -> None:
    error = problem_error(httpx2.Response(status, content=body, headers={"Retry-After": "soon"}))
    assert (type(error).__name__, error.status, error.retry_after) == (name, status, None)
    assert isinstance(error, ProblemError)
    assert str(status) in str(error)
