"""What docs/platforms has to paste is what the programs it is for take."""

import configparser
import re
import tomllib
from pathlib import Path

import pytest

from entrypoints.settings import PREFIX, Settings
from entrypoints.version import VERSION
from tests.databases import server
from tests.serving import run_here, serving

FOLDER = Path(__file__).parents[2] / "docs" / "platforms"
PAGES = {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.md"))}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ASSIGNED = re.compile(
    rf"\b({PREFIX}\w+)(?: ?= ?|: |\n\s+value: )"  # in a shell or TOML, in YAML, in a list of YAML
    r"""("[^"\n]*"|'[^'\n]*'|[^\s"']+)"""
)
PROVIDER = {
    f"{PREFIX}OIDC_ISSUER": "https://login.example/realms/chat",
    f"{PREFIX}OIDC_AUDIENCE": "https://chat.example",
}
VARIABLES = {
    "%i": "8001",
    "$PORT": "8000",
    "$DATABASE_URL": "postgres://chat:secret@db.example/chat",
}


def blocks(page: str, language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(PAGES[page]) if found == language]


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_named_is_one(page: str) -> None:
    named = re.findall(rf"\b{PREFIX}([A-Z_]+)", PAGES[page])
    assert {name.lower() for name in named} <= set(Settings.model_fields)
    releases = re.findall(r"chat[_-]sessions-(\d+\.\d+\.\d+)", PAGES[page])
    assert set(releases) <= {VERSION}


@pytest.mark.parametrize("page", PAGES)
def test_the_settings_of_each_block_are_taken(page: str) -> None:
    """Together, with what the hoster gives in place of its variables."""
    for _, text in BLOCK.findall(PAGES[page]):
        settings = dict(PROVIDER)
        for name, value in ASSIGNED.findall(text):
            given = value.strip("\"'")
            for variable, instead in VARIABLES.items():
                given = given.replace(variable, instead)
            settings[name] = given
        Settings.from_environment(settings)  # which raises what it does not take


def test_systemd_units_start_what_is_installed() -> None:
    programs = set()
    for unit in blocks("systemd", "ini")[1:]:
        parser = configparser.RawConfigParser(strict=False)
        parser.optionxform = str  # type: ignore[assignment,method-assign] # names keep their case
        parser.read_string(unit)
        if parser.has_section("Service"):
            programs.add(parser["Service"]["ExecStart"].split()[0])
    assert programs == {"/opt/chat-sessions/.venv/bin/chat-sessions"}


def test_fly_sends_requests_to_the_port_that_is_listened_on() -> None:
    (text,) = blocks("hosters", "toml")
    fly = tomllib.loads(text)
    assert str(fly["http_service"]["internal_port"]) == fly["env"]["CHAT_SESSIONS_PORT"]
    assert fly["kill_signal"] == "SIGTERM"


def test_on_supabase_the_tables_are_where_its_data_api_does_not_look(tmp_path: Path) -> None:
    """As the owner of a schema of its own, in a database whose `public` it leaves alone."""
    (making,) = blocks("hosters", "sql")
    database = "supabase"
    url = server().new_database(database)
    server().execute(re.sub(r"\bchat\b", "supabase_chat", making), database)
    settings = {f"{PREFIX}DATABASE_URL": url.replace("postgres@", "supabase_chat@")}
    assert run_here("migrate", folder=tmp_path, **settings).returncode == 0
    with serving(tmp_path, **settings) as served, served.client() as client:
        assert client.post("/sessions", json={"title": "Lisbon"}).status_code == 201
    where = "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename IN ('owners', 'messages')"
    assert server().execute(where, database) == "supabase_chat"
