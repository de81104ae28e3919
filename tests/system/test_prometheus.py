"""The dashboard and the alerts in docs/monitoring, against a real Prometheus that scrapes us."""

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.databases import empty_database
from tests.serving import Served, serving

MONITORING = Path(__file__).parents[2] / "docs/monitoring"
RULE_TESTS = Path(__file__).with_name("alerts.test.yml")
LIFE_SECONDS = 120

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
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *("timeout", str(LIFE_SECONDS), "prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={address}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        transport = httpx2.HTTPTransport(retries=8)
        with httpx2.Client(base_url=f"http://{address}/api/v1", transport=transport) as client:
            yield client
    finally:
        process.terminate()
        process.wait(timeout=20)


def found(server: httpx2.Client, query: str) -> list[Any]:
    answer = server.get("/query", params={"query": query}).json()
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
            deadline = time.monotonic() + 60
            lacking = expressions()
            while lacking := [drawn for drawn in lacking if not found(server, drawn)]:
                assert time.monotonic() < deadline, lacking
                use(served)
                time.sleep(0.5)
            series, labels = known(server, "__name__"), known(server, None)
            rules = server.get("/rules").json()["data"]["groups"][0]["rules"]
    for rule in rules:
        assert set(SERIES.findall(rule["query"])) <= series | labels, rule["query"]
        assert set(LABEL.findall(rule["query"])) <= labels | WHEN_IT_FAILS, rule["query"]
        assert rule["health"] == "ok"
    assert len(rules) == (MONITORING / "alerts.yml").read_text().count("alert:")


def known(server: httpx2.Client, label: str | None) -> set[str]:
    """The values of a label, or the names of all labels."""
    path = f"/label/{label}/values" if label else "/labels"
    return set(server.get(path).json()["data"])


def test_each_alert_is_explained() -> None:
    alerts = re.findall(r"alert: (\w+)", (MONITORING / "alerts.yml").read_text())
    page = (MONITORING.parent / "operations.md").read_text()
    explained = re.findall(r"^\| `(ChatSessions\w+)`", page, re.MULTILINE)
    assert explained == alerts
