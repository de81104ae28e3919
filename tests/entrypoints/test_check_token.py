"""chat-sessions check-token: why a token holds, or does not."""

import io
import json
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from entrypoints.cli import main
from tests.security.mint import compact

ISSUER = "https://login.example/realms/chat"
KEY, STRANGER = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
ID: dict[str, Any] = {"nonce": "n", "client_id": ...}

Check = Callable[..., tuple[int, str, str]]


@pytest.fixture
def check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Check:
    """Its exit code and what it says of a token on standard input."""
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [KEY.as_dict(private=False, kid="ours")]}))
    settings = {"issuer": ISSUER, "audience": "chat", "keys_url": file.as_uri()}
    monkeypatch.setenv("CHAT_SESSIONS_DATABASE_URL", "memory://")

    def checked(
        text: str, *, arguments: Sequence[str] = (), **changed: str
    ) -> tuple[int, str, str]:
        for name, value in {**settings, **changed}.items():
            monkeypatch.setenv(f"CHAT_SESSIONS_OIDC_{name.upper()}", value)
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        code = main(["check-token", *arguments])
        return code, *capsys.readouterr()

    return checked


def made(key: ECKey = KEY, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    now = int(time.time())
    given = {"iss": ISSUER, "aud": "chat", "sub": "alice", "client_id": "web", "scope": "openid"}
    said = {**given, "iat": now, "exp": now + 600, **claims}
    return jwt.encode(
        {"alg": "ES256", "typ": "JWT", "kid": "ours", **(header or {})},
        {name: value for name, value in said.items() if value is not ...},
        key,
        ["ES256"],
    )


def unsigned(**header: Any) -> str:
    return compact({"alg": "HS256", "typ": "JWT", **header}, {"iss": ISSUER}, lambda _: b"abc")


AROUND = ("{}", "{}\n", "bearer {}\n", "  {} \r\n", "Authorization: Bearer {}\n", '"{}"\n')


@pytest.mark.parametrize("around", AROUND)
def test_a_token_that_holds(check: Check, around: str) -> None:
    code, out, err = check(around.format(made()))
    assert code == 0, out + err
    assert out.endswith("The token holds.\n")
    assert {line.split()[0] for line in out.splitlines()[:-1]} == {"holds"}
    assert "alice" in out


OLD: dict[str, Any] = {"iat": 1, "exp": 601}
SOON: dict[str, Any] = {"iat": int(time.time()) + 3000, "exp": int(time.time()) + 3600}
SCOPED = {"require_scopes": "true"}
CAUSES: dict[str, tuple[str, dict[str, str], str, str]] = {
    "encrypted": ("a.b.c.d.e", {}, "form", "five parts, so it is encrypted"),
    "opaque": ("secret-of-the-provider", {}, "form", "It is opaque"),
    "cut short": (made()[:-1] + "!", {}, "form", "copy all of it"),
    "HS256": (unsigned(), {}, "algorithm", "a key pair, RS256 or ES256"),
    "another algorithm": (
        made(),
        {"algorithms": "RS256"},
        "algorithm",
        "CHAT_SESSIONS_OIDC_ALGORITHMS",
    ),
    "Okta's organization server": (
        made(header={"typ": "application/okta-internal-at+jwt"}),
        {},
        "type",
        "for itself alone",
    ),
    "unsigned": (unsigned(alg="none"), {}, "algorithm", "not signed, so anybody could"),
    "unsigned, without a signature": (unsigned(alg="none")[:-4], {}, "form", "It is not signed"),
    "an algorithm that is never taken": (
        unsigned(alg="ES256K"),
        {},
        "algorithm",
        "never taken: have the provider sign with RS256",
    ),
    "a logout token": (made(header={"typ": "logout+jwt"}), {}, "type", "Send the access token"),
    "id-token": (
        made(header={"typ": "at+jwt"}),
        {"provider": "id-token"},
        "type",
        "ID tokens alone",
    ),
    "its own key": (made(header={"jku": "https://a.example"}), {}, "header", ""),
    "a slash": (made(iss=ISSUER + "/"), {}, "issuer", "a slash at the end"),
    "another version": (
        made(iss="https://sts.windows.net/tid/"),
        {"issuer": "https://login.microsoftonline.com/tid/v2.0", "provider": "standard"},
        "issuer",
        "requestedAccessTokenVersion",
    ),
    "another issuer": (made(iss="https://other.example"), {}, "issuer", "to the letter"),
    "no audience": (made(aud=...), {}, "audience", "for nobody in particular"),
    "the account": (made(aud="account"), {}, "audience", "for the provider alone"),
    "another audience": (made(aud="other"), {}, "audience", "CHAT_SESSIONS_OIDC_AUDIENCE"),
    "an ID token": (made(aud="web", **ID), {}, "audience", "looks like an ID token"),
    "an ID token for us": (made(**ID), {}, "access token", "looks like an ID token"),
    "no client": (made(client_id=...), {}, "access token", "CHAT_SESSIONS_OIDC_PROVIDER"),
    "an ID token without marks": (
        made(client_id=..., scope=..., email="alice@example.com"),
        {},
        "access token",
        "may be an ID token",
    ),
    "an ID token without marks for its application": (
        made(aud="web", client_id=..., scope=...),
        {},
        "audience",
        "may be an ID token",
    ),
    "an ID token that says so": (made(token_use="id"), {}, "access token", "an ID token"),  # noqa: S106
    "a refresh token": (made(typ="Refresh"), {}, "access token", "a token of another kind"),
    "what a provider that is named does not make": (
        made(),
        {"provider": "clerk", "audience": "web"},
        "access token",
        "no access token as clerk makes them",
    ),
    "no issuer": (made(iss=...), {}, "issuer", "does not say who made it"),
    "no subject": (made(sub=...), {}, "subject", "lightweight tokens"),
    "no oid": (made(), {"subject_claim": "oid"}, "subject", "put oid in"),
    "expired": (made(**OLD), {}, "time", "Get a new one"),
    "a wrong clock": (made(**SOON), {}, "time", "The clock of the provider"),
    "no times": (made(exp=...), {}, "times", ""),
    "a long life": (made(exp=int(time.time()) + 99999), {}, "lifetime", "LIFETIME_MAX_SECONDS"),
    "a life beyond all numbers": (
        made(exp=10**400),
        {"clock_skew_seconds": "0.5"},
        "lifetime",
        "LIFETIME_MAX_SECONDS",
    ),
    "a beginning beyond all numbers": (made(iat=10**400), {}, "lifetime", "before it begins"),
    "too long": (made(roles="x" * 16_384), {}, "form", "at most 16,384 characters"),
    "far too long": ("x" * 200_000, {}, "form", "at most 16,384 characters"),
    "no scopes": (made(), SCOPED, "scopes", "ask the provider for these scopes"),
    "no scopes by these names": (
        made(scope="chat:read chat:write"),
        {**SCOPED, "scope_read": "r", "scope_write": "w"},
        "scopes",
        "ask the provider for these scopes",
    ),
    "an unknown key": (made(header={"kid": "x"}), {}, "signature", "Another issuer"),
    "a stranger": (made(STRANGER), {}, "signature", "Another issuer"),
    "no keys": (made(), {"keys_url": "file:///none"}, "signature", ""),
}


@pytest.mark.parametrize(("token", "changed", "rule", "cure"), CAUSES.values(), ids=CAUSES.keys())
def test_a_token_that_does_not_hold_is_told_why(
    check: Check, token: str, changed: dict[str, str], rule: str, cure: str
) -> None:
    """And the token and its signature are never printed."""
    code, out, err = check(token, **changed)
    assert code == 1
    failing = [line for line in out.splitlines() if line.startswith("FAILS")]
    (line,) = [line for line in failing if line.startswith(f"FAILS {rule}: ")]
    assert cure in out.partition(line)[2].splitlines()[1] if cure else True
    assert "chat-sessions: the token does not hold: " in err
    assert rule in err.splitlines()[-1]
    for part in token.split("."):
        assert len(part) < 5 or part not in out + err


def test_a_token_with_one_of_the_scopes_holds_for_what_that_allows(check: Check) -> None:
    code, out, _ = check(made(scope="chat:read openid"), **SCOPED)
    assert code == 0
    assert "holds scopes: chat:read and openid; wanted chat:read and chat:write\n" in out
    assert out.endswith("The token holds, but not for all requests: it lacks chat:write.\n")
    code, out, _ = check(made(scope="chat:write", scp=["chat:read"]), **SCOPED)
    assert code == 0
    assert out.endswith(" scopes: chat:read and chat:write\nThe token holds.\n")


SECOND = "https://second.example/"


@pytest.mark.parametrize(
    ("claims", "rule", "found", "cure"),
    [
        ({"iss": SECOND[:-1]}, "issuer", f"wanted {ISSUER} or {SECOND}", "a slash at the end"),
        ({"iss": "nobody"}, "issuer", f"wanted {ISSUER} or {SECOND}", "set issuer in {}"),
        (
            {"iss": SECOND, "aud": "x"},
            "audience",
            "wanted second in aud",
            "add it to audience in {}",
        ),
        ({"iss": SECOND}, "audience", "wanted second in aud", "add it to audience in {}"),
        ({"client_id": ...}, "access token", "", "name the provider in provider in {}"),
        ({"exp": int(time.time()) + 99999}, "lifetime", "", "raise lifetime_max_seconds in {}"),
    ],
)
def test_of_several_issuers_the_likely_one_is_meant(
    check: Check, tmp_path: Path, claims: dict[str, Any], rule: str, found: str, cure: str
) -> None:
    """And what to set is in their file, and is no variable."""
    file, keys = tmp_path / "issuers.toml", (tmp_path / "keys.json").as_uri()
    file.write_text(
        "".join(
            f'[[issuer]]\nissuer = "{issuer}"\naudience = "{audience}"\nkeys_url = "{keys}"\n'
            for issuer, audience in ((ISSUER, "chat"), (SECOND, "second"))
        )
    )
    none = {"issuer": "", "audience": "", "keys_url": ""}
    code, out, err = check(made(**claims), issuers_file=str(file), **none)
    assert code == 1
    (line,) = [line for line in out.splitlines() if line.startswith(f"FAILS {rule}: ")]
    assert found in line
    assert cure.format(file) in out.partition(line)[2].splitlines()[1]
    assert "CHAT_SESSIONS" not in out + err


TIMES = "exp 1970-01-01T00:10:01+00:00, iat 1970-01-01T00:00:01+00:00"
NONE_OF_THE = "a claim does not hold: aud has none of the audiences"
LINES = f"""\
holds form: a signed JSON Web Token
holds type: typ JWT
holds algorithm: alg ES256
holds header: alg and kid and typ
holds signature: key id ours
holds times: {TIMES}
holds lifetime: 600 s
holds issuer: iss {ISSUER}
FAILS audience: {NONE_OF_THE}; aud other and int; wanted chat in aud
holds subject: sub alice
holds token id: none
holds access token: azp app; read as standard
FAILS time: it has expired; it is now; {TIMES}
FAILS scopes: openid; wanted chat:read and chat:write
"""
NO_TIMES = "exp no time, iat no time; wanted exp and iat in seconds"
ODD_LINES = f"""\
FAILS times: it has no times, or one that is none; {NO_TIMES}
?     lifetime: cannot be told without what fails above
FAILS audience: {NONE_OF_THE}; aud nobody; wanted chat in aud
?     time: cannot be told without what fails above
"""


def test_each_rule_says_to_the_letter_what_was_found(check: Check) -> None:
    token = made(**OLD, aud=["other", 5], azp="app", client_id=...)
    out = check(token, **SCOPED)[1]
    rules = [line for line in out.splitlines() if not line.startswith("      ")]
    assert [re.sub(r"it is 2[^;]*", "it is now", line) for line in rules] == LINES.splitlines()
    out = check(made(iat="x", exp=1e300, aud=[]))[1]
    assert set(ODD_LINES.splitlines()) <= set(out.splitlines())
    assert "longer than any; wanted 86400 s at most" in check(made(exp=10**400))[1]
    assert "lifetime: 0.5 s\n" in check(made(iat=1.25, exp=1.75))[1]


def test_a_long_list_is_shown_in_part(check: Check) -> None:
    out = check(made(aud=[f"a{number}" for number in range(500)]))[1]
    assert "a8 and a9 and 490 more; wanted chat in aud" in out
    out = check(unsigned(**{f"x{number}": 1 for number in range(20)}))[1]
    assert "holds header: alg and typ and x0" in out
    assert " and 12 more\n" in out


def test_what_is_no_text_is_no_token(check: Check) -> None:
    code, out, err = check("\ud800\udfff\0")
    assert (code, "It is opaque" in out) == (1, True)
    assert err.splitlines()[-1] == "chat-sessions: the token does not hold: form"


def test_it_names_what_was_found_and_wanted(check: Check) -> None:
    out = check(made(aud=["account", "x\x1b[2J"], header={"kid": "other"}))[1]
    assert "aud account and x?[2J; wanted chat in aud" in out
    assert "key id other; wanted one of the keys ours" in out


@pytest.mark.parametrize("claims", [{"iss": 1}, {"iss": ...}, {"sub": 1}, {"exp": "x"}, {"aud": 1}])
@pytest.mark.parametrize("provider", ["standard", "okta", "workos", "better-auth", "id-token"])
def test_whatever_a_token_says_each_rule_says_something(
    check: Check, provider: str, claims: dict[str, Any]
) -> None:
    code, out, _ = check(made(**claims), provider=provider)
    assert code == 1
    assert len([line for line in out.splitlines() if line[:5] in {"holds", "FAILS", "?    "}]) == 13


@pytest.mark.parametrize("text", ["", "\n", "Bearer "])
def test_nothing_is_no_token(check: Check, text: str) -> None:
    code, _, err = check(text)
    assert (code, err) == (1, "chat-sessions: there is no token on standard input\n")


@pytest.mark.parametrize("option", ["{}", "--token={}", "--token", "Bearer {}"])
def test_an_argument_is_refused_and_not_repeated(check: Check, option: str) -> None:
    """A token that was given as one is in the shell's history already, and need not be in a log."""
    token = made()
    code, out, err = check(token, arguments=(option.format(token),))
    assert (code, out) == (1, "")
    assert "takes no argument: it reads the token on standard input" in err
    assert token not in err


def test_without_a_provider_and_a_key_there_is_nothing_to_check_by(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no key is made."""
    monkeypatch.setenv("CHAT_SESSIONS_DEVELOPMENT_KEY_FILE", str(tmp_path / "key.pem"))
    monkeypatch.setenv("CHAT_SESSIONS_DATABASE_URL", "memory://")
    monkeypatch.setattr("sys.stdin", io.StringIO(made()))
    assert main(["check-token"]) == 1
    assert "no identity provider is set (CHAT_SESSIONS_OIDC_ISSUER)" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_development_token_is_checked_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_SESSIONS_DEVELOPMENT_KEY_FILE", str(tmp_path / "key.pem"))
    monkeypatch.setenv("CHAT_SESSIONS_DATABASE_URL", "memory://")
    assert main(["token", "--subject", "alice"]) == 0
    token = capsys.readouterr().out
    for text, code in ((token, 0), (token[:-60] + "A" * 59, 1)):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        assert main(["check-token"]) == code
    assert "wanted one of the keys " in capsys.readouterr().out
