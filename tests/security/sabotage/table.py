"""What is taken away, and who must notice."""

from tests.security.sabotage.tree import Edit, Sabotage

_MATRIX = (
    "tests/security/test_matrix.py::TestMatrix::"
    "test_everyone_gets_their_own_and_nothing_else[{storage}-{foreign}]"
)
_SCHEMATHESIS = (
    "tests/security/test_schemathesis.py::test_every_check_of_schemathesis_passes[sqlite-{phases}]"
)
_FORGERIES = "tests/adapters/test_auth.py::test_no_forgery_holds"
_SMUGGLING = (
    "tests/security/test_smuggling.py::test_what_is_ambiguous_is_refused_and_its_connection_closed"
)

_PARSER_TEST = (
    "tests/entrypoints/test_request_parser.py::"
    "test_a_request_is_read_alike_in_whatever_pieces_it_comes"
)

AUTHENTICATION = "entrypoints/http/authentication.py"
PIPELINE = "entrypoints/http/pipeline.py"
JWT = "adapters/auth/jwt.py"
MEMORY = "adapters/memory/storage.py"
PARSER = "entrypoints/server/parser.py"
OWNERSHIP = "application/ownership.py"
STATEMENTS = "adapters/sql/statements.py"


def _matrix(storage: str, foreign: str = "shown") -> str:
    return _MATRIX.format(storage=storage, foreign=foreign)


def _one(name: str, file: str, old: str, new: str, test: str) -> Sabotage:
    return Sabotage(name, (Edit(file, old, new),), test)


_SOMEONE = Edit(
    AUTHENTICATION,
    'REALM = "chat-sessions"\n',
    'REALM = "chat-sessions"\nfrom domain.owner import Owner\n'
    'SOMEONE = Owner("chat-sessions-development", "alice")\n',
)
_OWN_SESSION = "and_(sessions.c.owner == OWNER, sessions.c.id == SESSION)"

_OWNERS = (
    _one(
        "drop the owner from reads of sessions on SQLite",
        STATEMENTS,
        _OWN_SESSION,
        "and_(sessions.c.id == SESSION)",
        _matrix("sqlite"),
    ),
    _one(
        "drop the owner from reads of sessions on PostgreSQL",
        STATEMENTS,
        _OWN_SESSION,
        "and_(sessions.c.id == SESSION)",
        _matrix("postgresql"),
    ),
    _one(
        "drop the owner from the list of sessions",
        STATEMENTS,
        "page = select(*SESSION_COLUMNS.selected).where(sessions.c.owner == OWNER).limit(_LIMIT)",
        "page = select(*SESSION_COLUMNS.selected).limit(_LIMIT)",
        _matrix("sqlite"),
    ),
    _one(
        "drop the owner from the deletion on PostgreSQL",
        "adapters/sql/postgresql/writes.py",
        "gone = delete(sessions).where(OWN_SESSION)",
        "gone = delete(sessions).where(sessions.c.id == SESSION)",
        _matrix("postgresql"),
    ),
    _one(
        "drop the owner from what memory finds",
        MEMORY,
        "conversation = self.for_owner(owner).get(session_id)",
        "conversation = {k: c for of in self.by_owner.values() for k, c in of.items()}"
        ".get(session_id)",
        _matrix("memory"),
    ),
    _one(
        "drop the owner from memory's idempotency keys",
        MEMORY,
        "key = owner.key, claim.operation, claim.key",
        "key = UUID(int=0), claim.operation, claim.key",
        "tests/security/test_owners.py::test_an_idempotency_key_is_its_owners_alone[memory]",
    ),
    _one(
        "take the subject alone for the owner",
        "domain/owner.py",
        "name = issuer.encode()",
        'name = b""',
        _matrix("sqlite"),
    ),
    _one(
        "let letters' case not count in a subject",
        "domain/owner.py",
        "name + subject.encode()",
        "name + subject.lower().encode()",
        _matrix("sqlite"),
    ),
    _one(
        "call another's session missing",
        OWNERSHIP,
        "            raise SessionForbidden from None\n",
        "            return\n",
        _matrix("memory"),
    ),
    _one(
        "ignore that foreign sessions are to be hidden",
        OWNERSHIP,
        "not isinstance(error, SessionNotFound) or self.ownership.hide_foreign",
        "not isinstance(error, SessionNotFound)",
        _matrix("memory", "hidden"),
    ),
    _one(
        "change what memory holds before looking whose it is",
        MEMORY,
        "        conversation = self.data.find(owner, session_id)\n        first_order",
        "        self.data.claim_key(owner, claim, session_id, 1)\n"
        "        conversation = self.data.find(owner, session_id)\n        first_order",
        "tests/security/test_owners.py::"
        "test_whoever_is_no_owner_is_refused_without_http_too[memory-append once]",
    ),
)

_TOKENS = (
    _one(
        "let a token hold in the moment that it expires",
        JWT,
        "now >= verified.ends + skew",
        "now > verified.ends + skew",
        _FORGERIES,
    ),
    _one("skip the claims", JWT, "            self._claims.validate(claims)\n", "", _FORGERIES),
    _one(
        "ignore whom a token is for",
        JWT,
        'aud={"essential": True, "value": policy.audience}',
        'aud={"essential": True}',
        _FORGERIES,
    ),
    _one(
        "ignore who issued a token",
        JWT,
        'iss={"essential": True, "value": policy.issuer}',
        'iss={"essential": True}',
        _FORGERIES,
    ),
    _one(
        "take an ID token for an access token",
        JWT,
        '_TYPES = {"at+jwt", ',
        '_TYPES = {"jwt", "at+jwt", ',
        _FORGERIES,
    ),
    Sabotage(
        "take a token without a signature",
        (
            Edit(JWT, "or algorithm not in self._policy.algorithms", ""),
            Edit(
                JWT,
                "        if key is None:\n",
                '        if algorithm.lower() == "none":\n            return\n'
                "        if key is None:\n",
            ),
            Edit(
                "adapters/auth/development.py",
                "kid in (None, self._kid) and algorithm == ALGORITHM",
                "kid in (None, self._kid)",
            ),
        ),
        _FORGERIES,
    ),
    _one("do not look at the signature", JWT, "if not holds:", "if holds is None:", _FORGERIES),
    _one(
        "take a token whatever key it names in its header",
        JWT,
        '"zip", "jku", "jwk", "x5u", "x5c"',
        '"zip"',
        _FORGERIES,
    ),
    _one(
        "take what is critical for a trifle",
        JWT,
        'frozenset({"crit", "b64", ',
        'frozenset({"b64", ',
        _FORGERIES,
    ),
    _one(
        "take a token however long it lives",
        JWT,
        'if not 0 < times["exp"] - times["iat"] <= self._policy.lifetime_max:',
        'if not 0 < times["exp"] - times["iat"]:',
        _FORGERIES,
    ),
    _one(
        "take base64url that is not canonical",
        "adapters/auth/compact.py",
        'if urlsafe_b64encode(decoded).decode().rstrip("=") != segment:',
        'if urlsafe_b64encode(decoded).decode().rstrip("=")[:-1] != segment[:-1]:',
        _FORGERIES,
    ),
    _one(
        "hold a verified token past its expiry",
        JWT,
        "            self._check_time(verified)\n            return verified.principal",
        "            return verified.principal",
        "tests/adapters/test_auth.py::"
        "test_a_development_token_speaks_for_its_subject_for_twelve_hours",
    ),
    _one(
        "hold verified tokens though the keys have changed",
        "adapters/auth/verified.py",
        "            self._held.clear()\n",
        "",
        "tests/adapters/test_verified.py::test_none_is_held_once_the_keys_are_others",
    ),
    _one(
        "use a private key that a provider shows",
        "adapters/auth/key_set.py",
        "if not isinstance(jwk, dict) or PRIVATE & jwk.keys():",
        "if not isinstance(jwk, dict):",
        "tests/adapters/test_key_set.py::test_a_key_that_is_not_fit_is_passed_over",
    ),
    _one(
        "take the keys of whichever issuer a description names",
        "adapters/auth/discovery.py",
        'not isinstance(description, dict) or description.get("issuer") != self._issuer',
        "not isinstance(description, dict)",
        "tests/adapters/test_discovery.py::test_the_issuer_must_be_named_to_the_letter",
    ),
    _one(
        "follow a provider's redirects",
        "adapters/auth/discovery.py",
        "follow_redirects=False",
        "follow_redirects=True",
        "tests/adapters/test_discovery.py::test_an_answer_that_is_of_no_use_is_none[moved-/jwks]",
    ),
    _one(
        "ask the provider for every unknown key",
        "adapters/auth/provider.py",
        "self._next = asyncio.get_running_loop().time() + self._interval",
        "self._next = asyncio.get_running_loop().time() + 0 * self._interval",
        "tests/adapters/test_provider_keys.py::"
        "test_an_unknown_key_has_them_asked_for_once_an_interval",
    ),
)

_PIPELINE = (
    Sabotage(
        "open the gate for HEAD",
        (
            Edit(
                "entrypoints/http/middleware/responses.py",
                '{**scope, "method": "GET"}',
                '{**scope, "method": "GET", "is_head": True}',
            ),
            Edit(
                AUTHENTICATION,
                "principal = await self._principal(request)",
                'principal = Principal(SOMEONE) if "is_head" in request.scope '
                "else await self._principal(request)",
            ),
            _SOMEONE,
        ),
        _matrix("memory"),
    ),
    _one(
        "ignore a token's scopes",
        AUTHENTICATION,
        "if scope not in principal.scopes:",
        "if scope not in Scope:",
        "tests/entrypoints/test_scopes_api.py::test_reads_need_one_scope_and_writes_the_other",
    ),
    _one(
        "take whatever stands for an id",
        PIPELINE,
        "if not _ID.fullmatch(session_id):",
        "if session_id is not None and not session_id:",
        "tests/entrypoints/test_access_api.py::test_a_missing_or_malformed_id_is_not_found"
        "[memory-GET-/sessions/{id}-None]",
    ),
    _one(
        "pass over parameters that nobody knows",
        PIPELINE,
        "    if len(query) < len(items) or not query.keys() <= known:\n",
        "    if len(query) < len(items):\n",
        "tests/security/test_parameters.py::test_a_query_that_names_a_person_is_refused[memory]",
    ),
    _one(
        "pass over fields that nobody knows",
        "entrypoints/http/schemas.py",
        'extra="forbid"',
        'extra="ignore"',
        "tests/security/test_parameters.py::test_a_body_that_names_a_person_is_refused[memory]",
    ),
    _one(
        "take the first of two tokens",
        "entrypoints/http/middleware/request_head.py",
        'for name in ("host", "authorization") if',
        'for name in ("host",) if',
        "tests/security/test_forgeries.py::test_more_than_one_token_is_refused[development]",
    ),
    _one(
        "answer to any name",
        "entrypoints/http/middleware/request_head.py",
        "self._host(given) not in self.hosts",
        "not self.hosts",
        "tests/entrypoints/test_edge_api.py::test_an_unknown_host_is_misdirected_but_for_probes"
        "[memory-evil.example]",
    ),
    _one(
        "answer on any address with a development key",
        "entrypoints/http/middleware/request_head.py",
        "if not self.accepts_address(address[0] if address else None):",
        "if not address and not self.accepts_address(None):",
        "tests/entrypoints/test_edge_api.py::test_with_a_development_key_only_loopback_is_answered"
        "[memory-192.0.2.7]",
    ),
    _one(
        "change a session whatever version was seen",
        "domain/session.py",
        "if expected is not None and self.last_updated not in expected:",
        "if expected is not None and not expected:",
        "tests/application/test_sessions.py::test_a_change_can_expect_a_version",
    ),
)

_INPUT = (
    _one(
        "take a repeated member of JSON",
        "domain/strict_json.py",
        "return found if len(found) == len(pairs) else",
        "return found if pairs or found else",
        "tests/entrypoints/test_refusals_api.py::test_a_body_that_is_not_json_is_400"
        "[memory-repeated member]",
    ),
    _one(
        "take NaN for JSON",
        "domain/strict_json.py",
        '        parse_constant=partial(fault, "NaN and infinities are not JSON"),\n',
        "",
        "tests/entrypoints/test_refusals_api.py::test_a_body_that_is_not_json_is_400[memory-NaN]",
    ),
    _one(
        "read a body to its end however long it is",
        "entrypoints/http/body.py",
        "        if len(body) > at_most:\n",
        "        if len(body) > at_most << 20:\n",
        "tests/entrypoints/test_refusals_api.py::"
        "test_a_body_that_does_not_say_its_size_is_measured[memory]",
    ),
    _one(
        "take NUL for text",
        "domain/text.py",
        'if "\\0" in text:',
        'if "\\0" == text:',
        "tests/security/test_hostile_input.py::"
        "test_a_text_that_not_every_database_keeps_is_refused[0]",
    ),
    _one(
        "take digits of any script for a number",
        "entrypoints/http/pagination.py",
        "isinstance(value, str) and not _PLAIN_INTEGER.fullmatch(value)",
        "isinstance(value, str) and not value.strip()",
        "tests/security/test_hostile_input.py::test_what_is_no_integer_in_range_is_refused",
    ),
    _one(
        "repeat the input in an error",
        "entrypoints/http/validation_errors.py",
        "        path = path[:-1]\n        known",
        "        known",
        "tests/entrypoints/test_refusals_api.py::test_no_refusal_repeats_what_it_refuses[memory]",
    ),
    _one(
        "drop a security header",
        "entrypoints/http/middleware/response_headers.py",
        '    b"x-content-type-options": b"nosniff",\n',
        "",
        "tests/entrypoints/test_edge_api.py::test_every_answer_carries_the_security_headers[memory]",
    ),
    _one(
        "let every page read answers",
        "entrypoints/http/middleware/response_headers.py",
        "if origin in self.origins:",
        "if origin:",
        "tests/entrypoints/test_headers_api.py::"
        "TestOrigins::test_another_origin_is_answered_as_ever_but_without_cors",
    ),
    _one(
        "write a token into the log",
        "adapters/auth/compact.py",
        'raise InvalidToken("it is no JSON Web Token")',
        'raise InvalidToken(f"{token} is no JSON Web Token")',
        "tests/entrypoints/test_events.py::test_who_could_not_be_told_is_nobody",
    ),
)

_LIMITS = (
    _one(
        "count everyone as one",
        "entrypoints/http/rate_limits.py",
        "self._count(policy, owner.key.hex)",
        'self._count(policy, "everyone")',
        "tests/entrypoints/test_limits_api.py::test_owners_and_policies_are_counted_apart",
    ),
    _one(
        "never refuse for a limit",
        "entrypoints/http/rate_limits.py",
        "return self.counted > self.limit.quota",
        "return self.counted > self.limit.quota << 20",
        "tests/entrypoints/test_limits_api.py::test_after_the_seconds_of_retry_after_and_not_before_a_request_passes",
    ),
    _one(
        "trust a forwarded address from anyone",
        "entrypoints/http/client_address.py",
        "if not self._is_proxy(peer) or hop is None:",
        "if hop is None:",
        "tests/entrypoints/test_peers.py::test_a_peer_that_is_no_proxy_is_itself_whatever_it_says",
    ),
    _one(
        "count no tokens that do not hold",
        AUTHENTICATION,
        "            await self.limits.count_peer(request)\n",
        "",
        "tests/entrypoints/test_limits_api.py::"
        "test_a_peer_without_a_token_that_holds_is_refused_alike_whatever_it_sends",
    ),
)

_PROCESS = (
    _one(
        "take chunks from a speaker of HTTP/1.0",
        PARSER,
        'if self.version == "1.0":',
        'if self.version == "0.9":',
        _SMUGGLING,
    ),
    _one(
        "take whatever transfer coding ends in chunks",
        PARSER,
        'coding.lower() != b"chunked"',
        'not coding.lower().endswith(b"chunked")',
        _SMUGGLING,
    ),
    _one(
        "go on after a request without Host",
        PARSER,
        'if b"host" not in headers and self.version == "1.1":',
        'if b"host" not in headers and self.version == "1.2":',
        _SMUGGLING,
    ),
    _one(
        "lose the body of a request that offers an upgrade",
        PARSER,
        "        if self._offers_upgrade:\n            self._decline_upgrade()\n",
        "",
        _PARSER_TEST,
    ),
    _one(
        "take trailers for headers",
        PARSER,
        "if self._has_head:\n            self._trailers += 1",
        "if False:\n            self._trailers += 1",
        "tests/entrypoints/test_serve.py::test_a_trailer_is_no_header",
    ),
    _one(
        "wait for whoever says nothing",
        "entrypoints/server/protocol.py",
        "self.deadline = self._since + min(seconds, self._left)",
        "self.deadline = self._since + max(seconds, 86_400)",
        "tests/entrypoints/test_slow_clients.py::"
        "test_who_connects_and_says_nothing_is_closed_without_a_word",
    ),
    _one(
        "write an error's text into the log",
        "entrypoints/telemetry/logs.py",
        "{kind.__module__}.{kind.__qualname__}\\n",
        "{kind.__module__}.{kind.__qualname__}: {error}\\n",
        "tests/entrypoints/test_logs.py::test_what_a_task_ended_with_is_shown_without_its_text",
    ),
    _one(
        "show a request's path and query to whoever traces",
        "entrypoints/telemetry/sampling.py",
        '        "url.scheme",\n',
        '        "url.scheme",\n        "url.path",\n        "url.query",\n',
        "tests/telemetry/test_traces.py::test_no_span_says_what_a_client_sent",
    ),
)

_ASKED_BY_SCHEMATHESIS = (
    Sabotage(
        "drop the owner from sessions and their messages",
        (
            Edit(STATEMENTS, _OWN_SESSION, "and_(sessions.c.id == SESSION)"),
            Edit(
                STATEMENTS,
                "and_(messages.c.owner == OWNER, messages.c.session_id == SESSION)",
                "and_(messages.c.session_id == SESSION)",
            ),
        ),
        _SCHEMATHESIS.format(phases="operations"),
    ),
    Sabotage(
        "take whoever shows no token for someone",
        (
            Edit(
                AUTHENTICATION,
                "principal = await self._principal(request)",
                'principal = await self._principal(request) if "authorization" in request.headers '
                "else Principal(SOMEONE)",
            ),
            _SOMEONE,
        ),
        _SCHEMATHESIS.format(phases="operations"),
    ),
    _one(
        "say that a session is deleted, and keep it",
        "application/sessions.py",
        "await self.sessions.remove(caller, session_id, expected)",
        "await self.sessions.get(caller, session_id)",
        _SCHEMATHESIS.format(phases="histories"),
    ),
)

SABOTAGES = (*_OWNERS, *_TOKENS, *_PIPELINE, *_INPUT, *_LIMITS, *_PROCESS, *_ASKED_BY_SCHEMATHESIS)
