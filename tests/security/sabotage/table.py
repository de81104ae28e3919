"""What is taken away, and who must notice."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy.sql.operators import eq

from application.idempotency import Receipt
from domain.owner import Owner
from tests.security.sabotage.change import Change, Sabotage, instead, returning
from tests.security.sabotage.tokens import TOKENS

ALICE = Owner("chat-sessions-development", "alice")


def _head(change: Callable[[Any, Any], tuple[Any, Any]]) -> Change:
    """A request's head is looked at as if it were another."""

    def blinded(validate: Any) -> Any:
        return lambda self, scope, headers: validate(self, *change(scope, headers))

    return blinded


def _first_of_each(scope: Any, headers: Any) -> tuple[Any, Any]:
    first = dict(reversed(headers.raw))
    return scope, type(headers)(raw=list(first.items()))


def _without_owner(visit: Any) -> Any:
    """Wherever a statement compares an owner, it takes every owner."""

    def blind(self: Any, binary: Any, *rest: Any, **how: Any) -> str:
        text: str = visit(self, binary, *rest, **how)
        is_owner = binary.operator is eq and getattr(binary.right, "key", "") == "owner_"
        return f"({text} OR 1 = 1)" if is_owner else text

    return blind


def _as_alice(where: Callable[[Any], bool]) -> Change:
    """Some requests need no token that holds."""

    def open_to(principal: Any) -> Any:
        async def maybe(self: Any, request: Any) -> Any:
            from application.ports.authenticator import Principal  # noqa: PLC0415

            return Principal(ALICE) if where(request) else await principal(self, request)

        return maybe

    return open_to


def _marking_heads(call: Any) -> Any:
    async def marked(self: Any, scope: Any, receive: Any, send: Any) -> None:
        await call(self, {**scope, "is_head": scope.get("method") == "HEAD"}, receive, send)

    return marked


def _claimed_first(append: Any) -> Any:
    async def claiming(self: Any, owner: Any, session_id: Any, *rest: Any) -> Any:
        self.data.keep(owner, Receipt(rest[2], session_id, 1))
        return await append(self, owner, session_id, *rest)

    return claiming


def _lenient(model: Any) -> Any:
    model.model_config["extra"] = "ignore"
    model.model_rebuild(force=True)
    return model


def _any_cursor(from_text: Any) -> Any:
    def parse(text: str) -> Any:
        from domain.errors import InvalidValue  # noqa: PLC0415

        try:
            return from_text(text)
        except InvalidValue:
            return from_text("AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")

    return parse


def _any_origin(fields: Any) -> Any:
    def allowing(self: Any, method: str, asked: Any) -> Any:
        origin = asked.get("origin", "").encode()
        return fields(self, method, asked) | {b"access-control-allow-origin": origin}

    return allowing


_MATRIX = (
    "tests/security/test_matrix.py::TestMatrix::"
    "test_everyone_gets_their_own_and_nothing_else[{}-shown]"
)
_KEYS = "tests/security/test_owners.py::test_an_idempotency_key_is_its_owners_alone[{}]"
_SCHEMATHESIS = (
    "tests/security/test_schemathesis.py::test_every_check_of_schemathesis_passes[sqlite-{}]"
)
_PEOPLE = "tests/security/test_parameters.py::test_a_{}_that_names_a_person_is_refused[memory]"
_API = "tests/entrypoints/test_{}_api.py::test_{}"

_COMPARISON = "sqlalchemy.sql.compiler:SQLCompiler.visit_binary"
_DATA = "adapters.memory.data:Data"
_PRINCIPAL = "entrypoints.http.authentication:Authentication._principal"
_VALIDATE = "entrypoints.http.middleware.request_head:RequestHeadValidator.__call__"
_HEADERS = "entrypoints.http.middleware.response_headers"
_LIMITS = "entrypoints.http.rate_limits:RateLimits"

_OWNERS = {
    "drop the owner from statements on SQLite": Sabotage(
        _MATRIX.format("sqlite"), {_COMPARISON: _without_owner}
    ),
    "drop the owner from statements on PostgreSQL": Sabotage(
        _MATRIX.format("postgresql"), {_COMPARISON: _without_owner}
    ),
    "drop the owner from the look-up of idempotency keys": Sabotage(
        _KEYS.format("sqlite"), {_COMPARISON: _without_owner}
    ),
    "drop the owner from statements that schemathesis asks for": Sabotage(
        _SCHEMATHESIS.format("operations"), {_COMPARISON: _without_owner}
    ),
    "drop the owner from what memory finds": Sabotage(
        _MATRIX.format("memory"),
        {
            f"{_DATA}.for_owner": instead(
                lambda self, _: {
                    id_: found for own in self.by_owner.values() for id_, found in own.items()
                }
            )
        },
    ),
    "drop the owner from memory's idempotency keys": Sabotage(
        _KEYS.format("memory"),
        {
            f"{_DATA}.{name}": lambda kept: lambda self, _, *rest: kept(self, ALICE, *rest)
            for name in ("receipt_of", "keep")
        },
    ),
    "change what memory holds before looking whose it is": Sabotage(
        "tests/security/test_owners.py::"
        "test_whoever_is_no_owner_is_refused_without_http_too[memory-append once]",
        {"adapters.memory.messages:MemoryMessageRepository.append": _claimed_first},
    ),
    "say that a session is deleted, and keep it": Sabotage(
        _SCHEMATHESIS.format("histories"),
        {"adapters.sql.sessions:SqlSessionRepository.remove": returning(None)},
    ),
}

_TOKENS = {
    "take whoever shows no token for someone": Sabotage(
        _MATRIX.format("memory"),
        {_PRINCIPAL: _as_alice(lambda request: "authorization" not in request.headers)},
    ),
    "ask no token for HEAD": Sabotage(
        _MATRIX.format("memory"),
        {
            "entrypoints.http.middleware.responses:ResponseMiddleware.__call__": _marking_heads,
            _PRINCIPAL: _as_alice(lambda request: request.scope["is_head"]),
        },
    ),
    "ignore a token's scopes": Sabotage(
        _API.format("scopes", "reads_need_one_scope_and_writes_the_other"),
        {"entrypoints.http.authentication:Authentication.check_scope": instead(lambda *_: None)},
    ),
    "take the first of two tokens": Sabotage(
        "tests/security/test_forgeries.py::test_more_than_one_token_is_refused[development]",
        {_VALIDATE: _head(_first_of_each)},
    ),
}

_REQUESTS = {
    "take a head of any size": Sabotage(
        "tests/security/test_forgeries.py::"
        "test_a_head_too_large_for_a_token_is_refused_before_it_is_looked_at[development]",
        {"entrypoints.http.middleware.request_head:HEADER_BYTES_MAX": instead(1 << 30)},
    ),
    "answer to any name": Sabotage(
        _API.format("edge", "an_unknown_host_is_misdirected_but_for_probes"),
        {
            "entrypoints.http.middleware.request_head:RequestHeadValidator._host": instead(
                staticmethod(lambda _: "127.0.0.1")
            )
        },
    ),
    "answer on any address with a development key": Sabotage(
        _API.format("edge", "with_a_development_key_only_loopback_is_answered"),
        {_VALIDATE: _head(lambda scope, headers: ({**scope, "server": ("::1", 1)}, headers))},
    ),
    "take whatever stands for an id": Sabotage(
        _API.format("access", "a_malformed_id_is_not_found"),
        {"entrypoints.http.references:_ID": instead(re.compile(".*"))},
    ),
    "pass over parameters that nobody knows": Sabotage(
        _PEOPLE.format("query"),
        {"entrypoints.http.pipeline:_checked_query": instead(lambda *_: MappingProxyType({}))},
    ),
    "pass over fields that nobody knows": Sabotage(
        _PEOPLE.format("body"),
        {
            f"entrypoints.http.schemas:{name}": _lenient
            for name in ("MessageCreate", "SessionCreate", "SessionUpdate", "MessagesAppend")
        },
    ),
    "read a body to its end however long it is": Sabotage(
        _API.format("refusals", "a_body_that_does_not_say_its_size_is_measured"),
        {
            "entrypoints.http.body:read_body": lambda read: (
                lambda request, at_most: read(request, at_most << 20)
            )
        },
    ),
    "take digits of any script for a number": Sabotage(
        "tests/security/test_hostile_input.py::test_what_is_no_integer_in_range_is_refused",
        {"entrypoints.http.query_types:PLAIN_INTEGER": instead(re.compile("(?s).*"))},
    ),
    "take a cursor that was never given": Sabotage(
        _API.format("cursors", "what_is_no_cursor_is_refused"),
        {"entrypoints.http.cursors:from_text": _any_cursor},
    ),
}

_SERVER = {
    "take a request whose end is a matter of opinion": Sabotage(
        "tests/security/test_smuggling.py::"
        "test_what_is_ambiguous_is_refused_and_its_connection_closed",
        {"entrypoints.server.parser:RequestParser._check_framing": instead(lambda *_: None)},
    ),
    "lose the body of a request that offers an upgrade": Sabotage(
        "tests/entrypoints/test_request_parser.py::"
        "test_a_request_is_read_alike_in_whatever_pieces_it_comes",
        {"entrypoints.server.parser:RequestParser._decline_upgrade": instead(lambda _: None)},
    ),
    "wait for whoever says nothing": Sabotage(
        "tests/entrypoints/test_slow_clients.py::"
        "test_who_connects_and_says_nothing_is_closed_without_a_word",
        {"entrypoints.server.protocol:HttpProtocol.check_timeout": instead(lambda *_: None)},
    ),
}

_ANSWERS = {
    "repeat the input in an error": Sabotage(
        _API.format("refusals", "no_refusal_repeats_what_it_refuses"),
        {"entrypoints.http.validation_errors:_detail": instead(lambda found: repr(found["input"]))},
    ),
    "drop a security header": Sabotage(
        _API.format("edge", "every_answer_carries_the_security_headers[memory]"),
        {f"{_HEADERS}:SECURITY_HEADERS": lambda all_: dict(list(all_.items())[:-1])},
    ),
    "let every page read answers": Sabotage(
        "tests/entrypoints/test_headers_api.py::"
        "TestOrigins::test_another_origin_is_answered_as_ever_but_without_cors",
        {f"{_HEADERS}:ResponseHeaders.for_request": _any_origin},
    ),
}

_RATE_LIMITS = {
    "count everyone as one": Sabotage(
        _API.format("limits", "owners_and_policies_are_counted_apart"),
        {
            f"{_LIMITS}.count_owner": lambda count: (
                lambda self, request, policy, _: count(self, request, policy, ALICE)
            )
        },
    ),
    "never refuse for a limit": Sabotage(
        _API.format("limits", "after_the_seconds_of_retry_after_and_not_before_a_request_passes"),
        {f"{_LIMITS}._check": instead(lambda *_: None)},
    ),
    "trust a forwarded address from anyone": Sabotage(
        "tests/entrypoints/test_peers.py::test_a_peer_that_is_no_proxy_is_itself_whatever_it_says",
        {"entrypoints.http.client_address:ClientAddresses._is_proxy": instead(lambda *_: True)},
    ),
    "count no tokens that do not hold": Sabotage(
        _API.format(
            "limits",
            "a_peer_without_a_token_that_holds_is_refused_alike_whatever_it_sends",
        ),
        {f"{_LIMITS}.count_peer": returning(None)},
    ),
}

_SECRETS = {
    "write an error's text into the log": Sabotage(
        "tests/entrypoints/test_logs.py::test_what_a_task_ended_with_is_shown_without_its_text",
        {"entrypoints.telemetry.logs:_places": instead(lambda error: iter([repr(error)]))},
    ),
    "show a request's path and query to whoever traces": Sabotage(
        "tests/telemetry/test_traces.py::test_no_span_says_what_a_client_sent",
        {
            "entrypoints.telemetry.sampling:ALLOWED_ATTRIBUTES": lambda allowed: (
                allowed | {"url.path", "url.query"}
            )
        },
    ),
    "show a database's password when its options are printed": Sabotage(
        "tests/security/test_secrets.py::test_nothing_shows_a_password_when_it_is_printed",
        {
            "adapters.sql.postgresql.options:PostgresqlOptions.__repr__": instead(
                lambda self: self.url
            )
        },
    ),
}

SABOTAGES: Mapping[str, Sabotage] = {
    **_OWNERS,
    **_TOKENS,
    **TOKENS,
    **_REQUESTS,
    **_SERVER,
    **_ANSWERS,
    **_RATE_LIMITS,
    **_SECRETS,
}
