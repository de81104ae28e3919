"""The package `clients/typescript`, on Node: built, its types checked with those of its tests, and
its tests run against the service by Node's own runner."""

import json
import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from entrypoints.http.problem_types import PROBLEM_TYPES
from tests.clients.conftest import DESCRIPTION
from tests.nodejs import HERE, NODE
from tests.serving import COMMAND, environment
from tests.waiting import WAIT_SECONDS

TESTS = Path(__file__).with_name("typescript")
CLIENT = Path(__file__).parents[2] / "clients" / "typescript" / "src" / "client.ts"
CLASSES = """
import { problemError, ProblemError, ServerError } from "chat-sessions-client";

const made = JSON.parse(process.argv[1]).map(({ type, status }) => {
  const error = problemError(new Response(null, { status }), { type });
  const isOfType = error.constructor !== ProblemError && error.constructor !== ServerError;
  return [error.name, isOfType, error.status === status];
});
console.log(JSON.stringify(made));
"""


def run(*arguments: str | Path, folder: Path) -> str:
    done = subprocess.run(
        [NODE, *arguments],
        cwd=folder,
        env=environment(COMMAND=str(COMMAND), PATH=os.environ["PATH"]),
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS * 2,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(folder: Path) -> Path:
    """Build the package in `node_modules` of a folder, beside its tests."""
    run(TESTS / "build.mjs", folder, HERE / "node_modules", TESTS, "index", folder=TESTS)
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("typescript"))


def test_its_own_tests_pass(built: Path) -> None:
    """Every operation, lost answers, restarts, two writers: see the files."""
    assert "fail 0" in run("--test", "*.test.ts", folder=built)


def test_every_type_of_problem_is_a_class(built: Path) -> None:
    urn = "urn:problem-type:chat-sessions:"
    problems = [
        {"type": urn + problem.kind, "status": int(problem.status)} for problem in PROBLEM_TYPES
    ]
    arguments = ("--input-type=module", "-e", CLASSES, json.dumps(problems))
    made = json.loads(run(*arguments, folder=built))
    assert all(is_of_type and same for _, is_of_type, same in made), made
    assert len({name for name, *_ in made}) == len({problem["type"] for problem in problems})


def test_every_operation_with_a_token_has_a_method() -> None:
    described = Counter(
        method.upper()
        for operations in json.loads(DESCRIPTION.read_text())["paths"].values()
        for method, operation in operations.items()
        if "401" in operation.get("responses", {})
    )
    assert Counter(re.findall(r"this\.api\.([A-Z]+)\(", CLIENT.read_text())) == described


def test_its_page_names_the_ai_sdk_that_it_runs_with() -> None:
    """The one that its blocks are run with, and that npm brings for the package."""
    package = json.loads((CLIENT.parents[1] / "package.json").read_text())
    page = (CLIENT.parents[3] / "docs" / "frameworks" / "ai-sdk.md").read_text()
    (named,) = re.findall(r"\(`ai` ([\d.]+)", page)
    assert package["peerDependencies"]["ai"] == f">={named}"
    assert package["devDependencies"]["ai"].startswith(f"^{named}.")
