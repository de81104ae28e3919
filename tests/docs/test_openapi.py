"""`docs/openapi.json` is the API's description, and passes a lint that others wrote."""

from pathlib import Path

from tests.nodejs import HERE, run_node
from tests.serving import run, run_here

SHOWN = Path(__file__).parents[2] / "docs" / "openapi.json"


def test_what_is_shown_is_what_the_command_prints(tmp_path: Path) -> None:
    """Mend it with `make openapi`. It is the same on every machine and in every run."""
    assert run("openapi", folder=tmp_path).stdout == SHOWN.read_text()
    here = run_here("openapi", folder=tmp_path, CHAT_SESSIONS_PORT="9000")
    assert here.stdout == SHOWN.read_text()


def test_spectral_has_nothing_to_say() -> None:
    done = run_node(
        "node_modules/@stoplight/spectral-cli/dist/index.js",
        *("lint", SHOWN, "--ruleset", HERE / "spectral.yaml", "--fail-severity", "hint"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No results" in done.stdout
