"""What docs/sign-in.md says is so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from adapters.auth.presets import PRESETS
from tests.adapters.token_shapes import SHAPES, Shape
from tests.nodejs import HERE, run_node

PAGE = Path(__file__).parents[2] / "docs" / "sign-in.md"
HEAD = "| provider | `CHAT_SESSIONS_OIDC_ISSUER` |"


def row(shape: Shape) -> str:
    preset = PRESETS[shape.preset]
    named = f"(`{preset.name}`)" if shape.chosen else f"`{preset.name}`"
    named = "" if preset.name == "standard" else named
    person = f"`{preset.person}`, or `sub` of a client" if preset.client else f"`{preset.person}`"
    cells = (shape.provider, f"`{shape.issuer}`", f"`{shape.audience}`", named, person)
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def test_its_table_is_what_the_tests_try() -> None:
    table = PAGE.read_text().partition(HEAD)[2].partition("\n\n")[0].splitlines()[2:]
    assert table == [row(shape) for shape in SHAPES if "by the rule" not in shape.provider]


PROVIDERS = (
    "Keycloak, Auth0, Entra ID, Cognito, Okta, Authentik, Zitadel, Supabase, Firebase, Clerk, "
    "WorkOS, Google, Cloudflare Access"
)


@pytest.mark.parametrize("provider", PROVIDERS.split(", "))
def test_it_says_what_to_switch_and_what_the_front_end_asks_for(provider: str) -> None:
    about = PAGE.read_text().partition(f"\n- **{provider}**")[2].partition("\n- **")[0]
    assert "front end" in " ".join(about.split())


@pytest.fixture
def key(tmp_path: Path) -> ECKey:
    """A back end's, beside its programs, as a file of either kind."""
    key = ECKey.generate_key("P-256")
    for name in ("back-end.key", "back-end.pkcs8"):
        (tmp_path / name).write_bytes(key.as_pem(private=True))
    return key


def check_token(token: str, key: ECKey) -> None:
    decoded = jwt.decode(token.strip(), key, ["ES256"])
    claims = decoded.claims
    assert decoded.header["typ"] == "at+jwt"
    assert (claims["iss"], claims["sub"]) == ("the-back-end", "alice")
    assert claims["aud"] == "https://chat.example"
    assert claims["exp"] - claims["iat"] == 60


def program(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return str(found)


def test_its_python_makes_a_token(tmp_path: Path, key: ECKey) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program("python") + "\nprint(token_for('alice'))"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    check_token(done.stdout, key)


def test_its_typescript_makes_a_token(tmp_path: Path, key: ECKey) -> None:
    (tmp_path / "node_modules").symlink_to(HERE / "node_modules")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    file = tmp_path / "back-end.ts"
    file.write_text(program("ts") + "\nconsole.log(await tokenFor('alice'));\n")
    done = run_node(file, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    check_token(done.stdout, key)
