"""Clients made of `docs/openapi.json` by openapi-generator and orval. Those of four languages do
what an application does, against the service. Debian compiles no other: those are parsed."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tree_sitter_c_sharp
import tree_sitter_kotlin
import tree_sitter_swift
from tree_sitter import Language, Parser

import tests.clients
from tests.clients.conftest import DESCRIPTION
from tests.nodejs import HERE, NODE, run_node
from tests.serving import Served, serving
from tests.system.generator import GENERATORS, generate
from tests.waiting import WAIT_SECONDS

PROGRAMS = Path(tests.clients.__file__).parent
SCHEMAS = [
    name
    for name, schema in json.loads(DESCRIPTION.read_text())["components"]["schemas"].items()
    if schema["type"] != "string" or "enum" in schema  # lines of JSON are a text to all
]

TITLE = "😀" * 150
BODY = {
    "role": "assistant",
    "content": [{"type": "text", "text": "It is sunny."}, {"type": "refusal", "refusal": None}],
    "tool_calls": [{"id": "c1", "function": {"name": "weather", "arguments": '{"at":"Lisboa"}'}}],
    "logprobs": [-0.25, 0, 12345678901],
}

CHECKS = {
    "strict": True,
    "noEmit": True,
    "skipLibCheck": True,
    "target": "es2024",
    "module": "esnext",
    "moduleResolution": "bundler",
    "allowImportingTsExtensions": True,
    "types": [],
}

Command = list[str | Path]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generated")
    generate(folder)
    return folder


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, CHAT_SESSIONS_DATABASE_URL="memory://") as served:
        yield served


def run(command: Command, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def php(client: Path) -> Command:
    return ["php", PROGRAMS / "php" / "walk.php", client]


def python(client: Path) -> Command:
    return [sys.executable, shutil.copy(PROGRAMS / "python" / "walk.py", client)]


def go(client: Path) -> Command:
    """The client and the program, compiled without any module from elsewhere."""
    shutil.copytree(PROGRAMS / "go", client / "walk")
    cache = {"GOCACHE": str(client / "cache"), "GOPATH": str(client / "path")}
    run(["go", "build", "-o", "walked", "./walk"], client, GOPROXY="off", GOFLAGS="", **cache)
    return [client / "walked"]


def typescript(client: Path) -> Command:
    """The program, beside a client and schemas that orval makes; the compiler checks them, and the
    client that openapi-generator has made."""
    shutil.copytree(PROGRAMS / "typescript", client, dirs_exist_ok=True)
    shutil.copy(DESCRIPTION, client)
    (client / "node_modules").symlink_to(HERE / "node_modules")
    (client / "package.json").write_text('{"type": "module"}')
    settings = {"compilerOptions": CHECKS, "files": ["walk.ts", "index.ts"]}
    (client / "tsconfig.json").write_text(json.dumps(settings))
    for program in ("orval/dist/bin/orval.mjs --config orval.json", "typescript/bin/tsc"):
        path, *arguments = program.split()
        done = run_node(f"node_modules/{path}", *arguments, folder=client)
        assert done.returncode == 0, done.stdout + done.stderr
    return [NODE, client / "walk.ts"]


@pytest.mark.parametrize("build", [php, python, go, typescript])
def test_a_program_does_all_that_an_application_does(
    build: Callable[[Path], Command], generated: Path, served: Served
) -> None:
    """It creates a session and gets it by its own id, appends text and a body, puts and gets a
    message, lists with filters, patches the title alone, is refused thrice and clears."""
    language = build.__name__
    command = build(generated / language)
    told = json.loads(
        run([*command, served.url, served.token(language), json.dumps(BODY)], generated)
    )
    assert told == {
        "held": [True, TITLE, {"starred": True}],
        "appended": [[1, "user", "hi", None], [2, "assistant", "It is sunny.", BODY]],
        "put": ["m/1", "sunny", 3, True],
        "page": [[2, None], [3, None]],
        "found": [f"{language}/1"],
        "patched": ["Lisbon", {"starred": True}, False],
        "wrong": [422, "#/title"],
        "taken": [409, True],
        "missing": [404, "There is no such session."],
        "left": 0,
    }


@pytest.mark.parametrize("language", GENERATORS)
def test_every_schema_has_a_type_of_its_name(language: str, generated: Path) -> None:
    made = {
        path.stem.removeprefix("model_").replace("_", "").lower()
        for path in (generated / language).rglob("*")
        if path.parent.name.lower() in {"model", "models"} or path.stem.startswith("model_")
    }
    assert {name.lower() for name in SCHEMAS} <= made


@pytest.mark.parametrize(
    ("language", "grammar", "ending"),
    [
        ("csharp", tree_sitter_c_sharp, "cs"),
        ("kotlin", tree_sitter_kotlin, "kt"),
        ("swift", tree_sitter_swift, "swift"),
    ],
)
def test_what_is_made_is_of_the_languages_grammar(
    language: str, grammar: object, ending: str, generated: Path
) -> None:
    """What is made of the description, that is: the generators' own code beside it is theirs."""
    parser = Parser(Language(grammar.language()))  # type: ignore[attr-defined]
    parsed = {
        path.name: parser.parse(path.read_bytes()).root_node.has_error
        for path in (generated / language).rglob(f"*.{ending}")
        if path.parent.name.lower() in {"api", "apis", "model", "models"}
    }
    assert len(parsed) > len(SCHEMAS)
    assert not [name for name, wrong in parsed.items() if wrong]


def test_patterns_are_matched_against_text(generated: Path) -> None:
    """C# matches them against the member as it is, and would not compile against a time."""
    matched = 0
    for path in (generated / "csharp").rglob("Model/*.cs"):
        written = path.read_text()
        for name in re.findall(r"\.Match\(this\.(\w+?)(?:Option\.Value)?\)", written):
            matched += 1
            assert re.search(rf"public string\?? {name}\b", written), f"{path.name}: {name}"
    assert matched
