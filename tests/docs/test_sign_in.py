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


@pytest.mark.parametrize("provider", ["Keycloak", "Auth0", "Entra ID", "Cognito", "Okta", "Google"])
def test_it_says_what_to_switch(provider: str) -> None:
    assert f"\n- **{provider}**" in PAGE.read_text()


def test_its_python_makes_a_token(tmp_path: Path) -> None:
    key = ECKey.generate_key("P-256")
    (tmp_path / "back-end.key").write_bytes(key.as_pem(private=True))
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", program + "\nprint(token_for('alice'))"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    claims = jwt.decode(done.stdout.strip(), key, ["ES256"]).claims
    assert (claims["iss"], claims["sub"]) == ("the-back-end", "alice")
    assert claims["exp"] - claims["iat"] == 60
