"""The blocks in Python of docs/openai-conversations.md, one after the other."""

import re
import runpy
from functools import partial
from pathlib import Path

import agents
import pytest

from tests.clients.frameworks.openai_dialect.conftest import Dialect
from tests.clients.frameworks.openai_dialect.test_agents_session import Parrot, look_up
from tests.clients.frameworks.service import ROOT

PAGE = (ROOT / "docs" / "openai-conversations.md").read_text()
KEEP, READ, RUN = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_a_conversation_outlives_a_restart(
    dialect: Dialect,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With a model that needs no network."""
    token = dialect.token("alice")
    monkeypatch.setenv("OPENAI_BASE_URL", dialect.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", token)
    tools = [agents.function_tool(look_up)]
    monkeypatch.setattr(agents, "Agent", partial(agents.Agent, model=Parrot(), tools=tools))

    def printed(program: str, *arguments: str) -> str:
        file = tmp_path / "program.py"
        file.write_text(program.replace("http://127.0.0.1:8000/v1", dialect.base_url))
        monkeypatch.setattr("sys.argv", [str(file), *arguments])
        runpy.run_path(str(file))
        return capsys.readouterr().out

    made = printed(KEEP).strip()
    dialect.restart()
    assert printed(READ, made) == "user Where shall we stay?\nassistant Near the river.\n"
    assert printed(RUN, token, made) == "And where shall we eat?, 2\n"
