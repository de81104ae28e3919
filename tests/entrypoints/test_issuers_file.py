"""Several issuers, and a back end that acts for the people of one."""

import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from entrypoints.container import Container
from entrypoints.issuers_file import issuers_of
from entrypoints.serve import _welcome
from entrypoints.settings import Settings, SettingsError
from tests.identity_provider import provider
from tests.serving import Served, run, serving
from tests.waiting import wait_until

AUDIENCE = "https://chat.example/api"
ALL_SCOPES = "partner.read partner.write chat:read chat:write"
KEYS = {name: ECKey.generate_key("P-256") for name in ("partner", "back-end")}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The provider's people, a partner's, and a back end that speaks for the provider's."""
    folder = tmp_path_factory.mktemp("issuers")
    for name, key in KEYS.items():
        (folder / f"{name}.pem").write_bytes(key.as_pem(private=False))
    path = folder / "issuers.toml"
    path.write_text(
        f"""
        [[issuer]]
        issuer = "{provider().url}"
        audience = "{AUDIENCE}"

        [[issuer]]
        issuer = "partner"
        audience = ["{AUDIENCE}", "other"]
        algorithms = ["ES256"]
        require_scopes = true
        scope_read = "partner.read"
        scope_write = "partner.write"
        keys_url = "{(folder / "partner.pem").as_uri()}"

        [[issuer]]
        issuer = "back-end"
        audience = "{AUDIENCE}"
        keys_url = "{(folder / "back-end.pem").as_uri()}"
        acts_for = "{provider().url}"
        lifetime_max_seconds = 300
        require_scopes = true
        """
    )
    return path


@pytest.fixture(scope="module")
def served(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    variables = {"CHAT_SESSIONS_OIDC_ISSUERS_FILE": str(file)}
    with serving(tmp_path_factory.mktemp("served"), **variables) as served:
        yield served


def made(issuer: str, subject: str = "alice", key: str | None = None, **claims: Any) -> str:
    now = int(time.time())
    given = {"iss": issuer, "aud": AUDIENCE, "sub": subject, "scope": ALL_SCOPES}
    said = {**given, "iat": now, "exp": now + 60, **claims}
    return jwt.encode({"alg": "ES256", "typ": "at+jwt"}, said, KEYS[key or issuer], ["ES256"])


def asked(served: Served, token: str, path: str = "/sessions") -> httpx2.Response:
    with served.client(token=token) as client:
        return client.get(path)


def created(served: Served, token: str) -> str:
    with served.client(token=token) as client:
        answer = client.post("/sessions", json={})
    assert (answer.status_code, answer.json()["user_id"]) == (201, "alice")
    location: str = answer.headers["location"]
    return location


def test_a_back_end_has_the_sessions_of_whom_it_acts_for(served: Served) -> None:
    theirs = created(served, provider().token("alice"))
    assert asked(served, made("back-end"), theirs).status_code == 200
    assert asked(served, made("back-end", "bob"), theirs).status_code == 403
    for_them = created(served, made("back-end"))
    assert asked(served, provider().token("alice"), for_them).status_code == 200


def test_owners_of_two_issuers_never_mix(served: Served) -> None:
    theirs = created(served, provider().token("alice"))
    partners = created(served, made("partner"))
    assert asked(served, made("partner"), theirs).status_code == 403
    assert asked(served, provider().token("alice"), partners).status_code == 403
    assert asked(served, made("back-end"), partners).status_code == 403


def test_a_key_of_one_issuer_signs_nothing_for_another(served: Served) -> None:
    for issuer in (provider().url, "partner", "back-end"):
        for key in KEYS.keys() - {issuer}:
            assert asked(served, made(issuer, key=key)).status_code == 401
    for issuer in ("nobody", "", provider().url + "/"):
        assert asked(served, made(issuer, key="partner")).status_code == 401
    assert asked(served, made("back-end", exp=int(time.time()) + 301)).status_code == 401
    assert asked(served, "x").status_code == 401


def test_the_log_says_who_acts(served: Served) -> None:
    """The issuer that acts, or whom an exchanged token names (RFC 8693 section 4.1); and whose word
    that is, so that nobody's token can name another's back end."""
    for token, actor, by in (
        (made("back-end"), "back-end", "back-end"),
        (made("back-end", act={"sub": "agent-7"}), "agent-7", "back-end"),
        (made("partner", act={"sub": "back-end"}), "back-end", "partner"),
        (made("partner", act={"sub": "agent-8", "iss": "back-end"}), "agent-8", "partner"),
        (made("partner", act={"sub": "a\nb"}), None, None),
        (made("partner", act="agent-9"), None, None),
    ):
        answer = asked(served, token)
        assert answer.status_code == 200
        request_id = answer.headers["x-request-id"]
        line = wait_until(partial(_line, served, request_id))
        assert (line["user_id"], line.get("actor")) == ("alice", actor)
        assert line.get("actor_issuer") == by


def _line(served: Served, request_id: str) -> dict[str, Any] | None:
    lines = map(json.loads, (served.folder / "stdout").read_text().splitlines())
    return next((line for line in lines if line.get("request_id") == request_id), None)


def test_clients_and_operators_are_told_of_each(served: Served, file: Path) -> None:
    metadata = httpx2.get(f"{served.url}/.well-known/oauth-protected-resource").json()
    assert metadata["authorization_servers"] == [provider().url]
    assert metadata["scopes_supported"] == [
        "partner.read",
        "partner.write",
        "chat:read",
        "chat:write",
    ]
    read = Settings(oidc_issuers_file=file, database_url="memory://")
    welcome = _welcome(read, Container(settings=read))
    for line in (
        f"tokens of {provider().url} for {AUDIENCE}.",
        f"tokens of partner for {AUDIENCE} or other.",
        f"They speak for the people of {provider().url}.",
    ):
        assert line in welcome


@pytest.mark.parametrize(
    ("issuer", "scope", "lacks"),
    [
        ("partner", "chat:read chat:write", "partner.read"),
        ("partner", "partner.write", "partner.read"),
        ("back-end", "partner.read", "chat:read"),
    ],
)
def test_a_scope_that_is_missing_has_the_name_of_the_tokens_issuer(
    served: Served, issuer: str, scope: str, lacks: str
) -> None:
    answer = asked(served, made(issuer, scope=scope))
    assert answer.status_code == 403
    assert lacks in answer.json()["detail"]
    assert f'scope="{lacks}"' in answer.headers["www-authenticate"]
    assert asked(served, made(issuer, scope=lacks)).status_code == 200


def test_the_log_says_whose_keys_are_known(served: Served) -> None:
    lines = map(json.loads, (served.folder / "stdout").read_text().splitlines())
    loaded = {line["issuer"] for line in lines if line["event"] == "keys.loaded"}
    assert loaded == {provider().url, "partner", "back-end"}


def test_commands_know_of_each(served: Served, file: Path) -> None:
    variables = {"CHAT_SESSIONS_OIDC_ISSUERS_FILE": str(file)}
    shown = run("check-config", folder=served.folder, **variables)
    assert shown.returncode == 0, shown.stderr
    assert len([line for line in shown.stdout.splitlines() if line.startswith("provider: ")]) == 3
    owner = run("owner", "--subject", "alice", folder=served.folder, **variables)
    assert f"--issuer must be one of {provider().url}, partner\n" in owner.stderr
    token = run("token", "--subject", "alice", folder=served.folder, **variables)
    assert "there is no development key" in token.stderr


PEOPLE = '[[issuer]]\nissuer = "https://a.example"\naudience = "chat"\n'
WRONG = {
    "": "must have [[issuer]] tables",
    "x": "(at ",
    "issuer = 1": "must have [[issuer]] tables",
    "[issuer]\nissuer = 'a'": "must have [[issuer]] tables",
    f"{PEOPLE}[other]": "and nothing else",
    f"{PEOPLE}{PEOPLE}": "is there twice",
    f"{PEOPLE}docs_client_id = 'a'": "'docs_client_id' is no key",
    f"{PEOPLE}acts_for = 1": "acts_for must be",
    f"{PEOPLE}acts_for = 'https://a.example'": "must be another issuer",
    f"{PEOPLE}acts_for = 'https://b.example'": "must be another issuer",
    f"{PEOPLE}provider = 'acme'": "issuer 1: provider: must be",
    f"{PEOPLE}audience = 'x'": "(at ",
    "[[issuer]]\nissuer = 'a'\naudience = 'b'": "issuer 1: issuer: a is no URL",
    "[[issuer]]\nissuer = 'b'\naudience = 'b'": "say where its keys are (keys_url)",
    f"{PEOPLE}keys_url = 'http://[bad'": "issuer 1: keys_url: must be",
    "issuer = [1]": "issuer 1: it is no table",
    "[[issuer]]\nissuer = 'a'\naudience = 5": "issuer 1: audience: must be a text, or a list",
    "[[issuer]]\nissuer = 'https://a.example'": "it lacks audience",
    f"{PEOPLE}[[issuer]]\naudience = 'b'": "issuer 2: it lacks issuer",
}


@pytest.mark.parametrize(("text", "told"), WRONG.items())
def test_a_file_that_cannot_be_read_whole_stops_the_start(
    tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "issuers.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as refusal:
        issuers_of(Settings(oidc_issuers_file=path))
    line = str(refusal.value)
    assert line.startswith(f"CHAT_SESSIONS_OIDC_ISSUERS_FILE: {path}: ")
    assert told in line
    assert line.isprintable()


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "issuers.toml"
    path.write_text('[[issuer]]\nissuer = "https://one.example"\naudience = "a"\n', "utf-8-sig")
    settings = Settings(database_url="memory://", oidc_issuers_file=path)
    assert [issuer.name for issuer in issuers_of(settings)] == ["https://one.example"]
    path.write_bytes(b"\xff")
    with pytest.raises(SettingsError, match=r"issuers.toml: it is not in UTF-8$"):
        issuers_of(settings)


def test_a_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        issuers_of(Settings(oidc_issuers_file=tmp_path / "none"))


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"OIDC_ISSUER": "https://a.example"}, "OIDC_ISSUER"),
        ({"OIDC_REQUIRE_SCOPES": "true"}, "OIDC_REQUIRE_SCOPES"),
        ({"DEVELOPMENT_KEY_FILE": "key.pem"}, "DEVELOPMENT_KEY_FILE"),
    ],
)
def test_issuers_are_set_in_one_place(given: dict[str, str], named: str) -> None:
    variables = {"OIDC_ISSUERS_FILE": "issuers.toml", **given}
    with pytest.raises(SettingsError, match=f"^CHAT_SESSIONS_{named}: "):
        Settings.from_environment(
            {f"CHAT_SESSIONS_{name}": value for name, value in variables.items()}
        )
