"""The dashboard and the alerts in docs/monitoring, against a real Prometheus that scrapes us."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.databases import empty_database
from tests.ports import free_port, wait_for_port
from tests.serving import Served, serving
from tests.waiting import WAIT_SECONDS, wait_until

MONITORING = Path(__file__).parents[2] / "docs/monitoring"
RULE_TESTS = Path(__file__).with_name("alerts.test.yml")
LIFE_SECONDS = 900

SERIES = re.compile(r"\b(?:up|(?:chat_sessions|db_client|http_server)_\w+)\b(?![=!])")
LABEL = re.compile(r"(\w+)(?:=~|!=|=)")
WHEN_IT_FAILS = {"error_type"}

CONFIGURATION = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: chat-sessions
    static_configs: [{{targets: ["{target}"]}}]
"""


@contextmanager
def prometheus(folder: Path, target: str) -> Iterator[httpx2.Client]:
    """One that scrapes the target and has the rules, on a free port of loopback."""
    rules = shutil.copy(MONITORING / "alerts.yml", folder)
    (folder / "prometheus.yml").write_text(CONFIGURATION.format(rules=rules, target=target))
    port = free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *("timeout", str(LIFE_SECONDS), "prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        wait_for_port(port, process, folder / "log")
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=WAIT_SECONDS) as client:
            wait_until(lambda: client.get("/-/ready").is_success)
            yield client
    finally:
        process.terminate()
        process.wait(timeout=WAIT_SECONDS)


def found(server: httpx2.Client, query: str) -> list[Any]:
    answer = server.get("/api/v1/query", params={"query": query}).json()
    assert answer["status"] == "success", (query, answer)
    result: list[Any] = answer["data"]["result"]
    return result


def expressions() -> list[str]:
    """All that the dashboard draws, with its variables as Grafana fills them in."""
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    filled = {"$__rate_interval": "1m", "$instance": ".*"}
    drawn = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    for variable, value in filled.items():
        drawn = [expression.replace(variable, value) for expression in drawn]
    return drawn


def use(served: Served) -> None:
    """A little of everything."""
    with served.client() as client, served.client("bob") as bob:
        session = client.post("/sessions", json={}).json()["id"]
        said = {"messages": [{"role": "user", "content": "hello"}]}
        client.post(f"/sessions/{session}/messages", json=said)
        client.get(f"/sessions/{session}/messages")
        bob.get(f"/sessions/{session}")
        client.get("/sessions", headers={"Authorization": "Bearer none"})


@pytest.mark.parametrize(
    "check", [("check", "rules", "alerts.yml"), ("test", "rules", "tests.yml")]
)
def test_the_rules_are_sound_and_come_when_they_should(
    tmp_path: Path, check: tuple[str, ...]
) -> None:
    shutil.copy(MONITORING / "alerts.yml", tmp_path)
    # What an alert says to people is left out: the tests are of when it comes.
    rules = (tmp_path / "alerts.yml").read_text()
    assert rules.count("description:") == rules.count("alert:")
    shutil.copy(RULE_TESTS, tmp_path / "tests.yml")
    if check[0] == "test":
        bare = re.sub(r"\n        annotations:\n(          .*\n)+", "\n", rules)
        (tmp_path / "alerts.yml").write_text(bare)
    done = subprocess.run(
        [str(shutil.which("promtool")), *check],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_finds_all_that_the_dashboard_and_the_rules_name(tmp_path: Path) -> None:
    settings = {"CHAT_SESSIONS_DATABASE_URL": empty_database("plain")}
    with serving(tmp_path, **settings) as served:
        target = served.url.removeprefix("http://")
        with prometheus(tmp_path, target) as server:
            lacking = expressions()

            def all_found() -> bool:
                use(served)
                lacking[:] = [drawn for drawn in lacking if not found(server, drawn)]
                return not lacking

            wait_until(all_found, lambda: lacking)
            series, labels = known(server, "__name__"), known(server, None)
            rules = wait_until(lambda: evaluated(server))
    for rule in rules:
        assert set(SERIES.findall(rule["query"])) <= series | labels, rule["query"]
        assert set(LABEL.findall(rule["query"])) <= labels | WHEN_IT_FAILS, rule["query"]
        assert rule["health"] == "ok"
    assert len(rules) == (MONITORING / "alerts.yml").read_text().count("alert:")


def evaluated(server: httpx2.Client) -> list[Any]:
    """The rules, once none of them has yet to be looked at for the first time."""
    rules: list[Any] = server.get("/api/v1/rules").json()["data"]["groups"][0]["rules"]
    return [] if any(rule["health"] == "unknown" for rule in rules) else rules


def known(server: httpx2.Client, label: str | None) -> set[str]:
    """The values of a label, or the names of all labels."""
    path = f"label/{label}/values" if label else "labels"
    return set(server.get(f"/api/v1/{path}").json()["data"])


def test_each_alert_is_explained() -> None:
    alerts = re.findall(r"alert: (\w+)", (MONITORING / "alerts.yml").read_text())
    page = (MONITORING.parent / "operations.md").read_text()
    explained = re.findall(r"^\| `(ChatSessions\w+)`", page, re.MULTILINE)
    assert explained == alerts
