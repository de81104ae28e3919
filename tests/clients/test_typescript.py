"""A client in TypeScript, by openapi-typescript and openapi-fetch, against the service."""

import json
import shutil
from pathlib import Path

import pytest

from tests.clients.conftest import DESCRIPTION
from tests.nodejs import HERE, run_node
from tests.serving import Served

CHECKS = {
    "strict": True,
    "noUncheckedIndexedAccess": True,
    "exactOptionalPropertyTypes": True,
    "noEmit": True,
    "skipLibCheck": True,
    "target": "es2024",
    "module": "nodenext",
    "allowImportingTsExtensions": True,
    "types": [],
}


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The program beside the types that are made of the description."""
    made = run_node(
        "node_modules/openapi-typescript/bin/cli.js", DESCRIPTION, "-o", tmp_path / "api.ts"
    )
    assert made.returncode == 0, made.stderr
    (tmp_path / "node_modules").symlink_to(HERE / "node_modules")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(Path(__file__).with_name("walk.ts"), tmp_path)
    return tmp_path / "walk.ts"


def test_a_program_is_checked_and_walks_through_all_that_it_made(
    program: Path, served: Served
) -> None:
    """It creates, appends, pages by `after` and by cursor, and has a type for what goes wrong."""
    settings = {"compilerOptions": CHECKS, "files": ["walk.ts"]}
    program.with_name("tsconfig.json").write_text(json.dumps(settings))
    checked = run_node("node_modules/typescript/bin/tsc", folder=program.parent)
    assert checked.returncode == 0, checked.stdout

    done = run_node(program, served.url, served.token("bob"))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    created = told.pop("created")
    assert sorted(told.pop("listed")) == sorted(created)
    assert told == {
        "said": ["0", "1", "2", "3", "4"],
        "gone": [404, "There is no such session."],
        "wrong": ["#/messages"],
    }
