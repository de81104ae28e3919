"""A client that openapi-python-client makes of `docs/openapi.json`, against the service."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.clients.conftest import DESCRIPTION
from tests.serving import Served
from tests.waiting import WAIT_SECONDS

NAME = "generated_client"


@dataclass
class Generated:
    """The generated package's models, and its client for someone."""

    models: ModuleType
    client: Any

    def ask(self, operation: str, *path: Any, **given: Any) -> Any:
        """The answer, as its status has it."""
        module = import_module(f"{NAME}.api.sessions.{operation}")
        return module.sync(*path, client=self.client, **given)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package is. A warning of the generator's is a failure."""
    folder = tmp_path_factory.mktemp("generated")
    lines = "content_type_overrides: {application/x-ndjson: application/octet-stream}"
    (folder / "config.yml").write_text(f"post_hooks: []\n{lines}\n")
    command = (
        *(sys.executable, "-m", "openapi_python_client", "generate"),
        *("--path", DESCRIPTION, "--meta", "none", "--output-path", folder / NAME),
        *("--config", folder / "config.yml", "--fail-on-warning"),
    )
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=WAIT_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def alice(generated: Path, served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Generated]:
    monkeypatch.syspath_prepend(generated)
    make = import_module(NAME).AuthenticatedClient
    with make(served.url, served.token("alice")) as client:
        yield Generated(import_module(f"{NAME}.models"), client)


def test_a_session_is_created_appended_to_and_paged_through(alice: Generated) -> None:
    """Its messages by what is lacking, the caller's sessions by cursor."""
    models = alice.models
    ids = []
    for title in ("one", "two", "three"):
        made = alice.ask("create_session", body=models.SessionCreate(title=title))
        assert isinstance(made, models.SessionResponse)
        ids.append(made.id)
    said = [models.MessageCreate(role=models.Role.USER, content=str(n)) for n in range(5)]
    appended = alice.ask("append_messages", ids[0], body=models.MessagesAppend(messages=said))
    assert [message.message_order for message in appended.items] == [1, 2, 3, 4, 5]

    held: list[str] = []
    while len(held) < 5:
        page = alice.ask("list_messages", ids[0], limit=2, after=len(held))
        assert isinstance(page, models.MessagePage)
        held += [message.content for message in page.items]
        assert page.pagination.has_next == (len(held) < 5)
    assert held == ["0", "1", "2", "3", "4"]

    page = alice.ask("list_sessions", limit=2, sort_by=models.SessionSort.CREATED_AT)
    rest = alice.ask("list_sessions", limit=2, cursor=page.pagination.next_cursor)
    assert isinstance(rest, models.SessionPage)
    assert [session.id for session in (*page.items, *rest.items)] == ids[::-1]
    assert rest.pagination.next_cursor is None


def test_what_goes_wrong_has_a_type(alice: Generated) -> None:
    models = alice.models
    missing = "01a20ab2-e3be-7336-be46-7b4184e042f7"
    gone = alice.ask("get_session", missing)
    assert isinstance(gone, models.ProblemResponse)
    assert (gone.status, gone.detail) == (404, "There is no such session.")
    refused = alice.ask("list_sessions", limit=1000)
    assert isinstance(refused, models.InvalidInputResponse)
    (violation,) = refused.errors
    assert isinstance(violation, models.Violation)
    assert (violation.parameter, violation.in_) == ("limit", models.ViolationIn.QUERY)
