"""What `/metrics` tells, read as Prometheus reads it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from application.errors import TokenFault
from domain.owner import Owner
from entrypoints.container import Container
from entrypoints.settings import Settings
from tests.databases import empty_database
from tests.entrypoints.conftest import Api


@pytest.fixture
def backend() -> str:
    return "memory"


async def scraped(api: Api) -> list[Sample]:
    answer = await api.ask("GET", "/metrics", None, headers={"Host": "prometheus.example"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return list(samples(answer.text))


def samples(text: str) -> Iterator[Sample]:
    """A label that is empty is one that is not there."""
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if value}
            yield sample._replace(labels=labels)


def labels_of(found: list[Sample], name: str) -> list[dict[str, str]]:
    return [sample.labels for sample in found if sample.name == name]


async def test_a_request_is_counted_under_its_routes_template(api: Api) -> None:
    session = await api.create()
    await api.ask("GET", f"/sessions/{session['id']}")
    assert {
        "http_request_method": "GET",
        "http_response_status_code": "200",
        "http_route": "/sessions/{session_id}",
        "url_scheme": "http",
    } in labels_of(await scraped(api), "http_server_request_duration_seconds_count")


async def test_what_is_refused_before_it_has_a_route_is_counted_too(api: Api) -> None:
    await api.ask("GET", "/sessions", headers={"Host": "elsewhere.example"})
    assert {
        "http_request_method": "GET",
        "http_response_status_code": "421",
        "url_scheme": "http",
    } in labels_of(await scraped(api), "http_server_request_duration_seconds_count")


async def test_what_is_counted_beside_requests_is_there_from_the_start(api: Api) -> None:
    """An alert on a rise sees the first one too."""
    found = {sample.name: sample.value for sample in await scraped(api)}
    for name in ("auth_failures", "rate_limited", "limiter_unavailable"):
        assert found[f"chat_sessions_{name}_total"] == 0


async def test_refused_tokens_are_counted_by_the_rule_that_they_break(api: Api) -> None:
    """Out of a closed set, each there from the start: nothing that a token says is in it."""
    name = "chat_sessions_auth_failures_total"
    before = labels_of(await scraped(api), name)
    assert [labels["reason"] for labels in before] == list(TokenFault)
    for token in ("x", "e30.e30.e30", "y"):
        await api.ask("GET", "/sessions", None, headers={"Authorization": f"Bearer {token}"})
    after = await scraped(api)
    counted = {at.labels["reason"]: at.value for at in after if at.name == name and at.value}
    assert counted == {"malformed": 2, "algorithm": 1}
    assert labels_of(after, name) == before


async def test_two_applications_in_one_process_share_no_figure(api: Api) -> None:
    before = await scraped(api)
    other = Container(settings=Settings(database_url="memory://")).metrics()
    other.auth_failures.labels("expired").inc(7)
    assert b'chat_sessions_auth_failures_total{reason="expired"} 7.0' in other.exposition()
    after = await scraped(api)
    name = "chat_sessions_auth_failures_total"
    assert {at.value for at in (*before, *after) if at.name == name} == {0}


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
async def test_statements_and_connections_are_measured_by_name(
    backend: str, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/x.db" if backend == "sqlite" else empty_database("plain")
    container = Container(settings=Settings(database_url=url, database_pool_size=3))
    storage = container.storage()
    await storage.open()
    try:
        await container.use_cases().list_sessions(Owner("https://issuer.example", "alice"))
        found = list(samples(container.metrics().exposition().decode()))
    finally:
        await storage.close()
    about = {"db_system_name": backend, "db_query_summary": "page_of_sessions"}
    assert about in labels_of(found, "db_client_operation_duration_seconds_count")
    pool = {
        at.labels.get("db_client_connection_state", "most"): at.value
        for at in found
        if at.name in {"db_client_connection_count", "db_client_connection_max"}
    }
    assert pool == ({} if backend == "sqlite" else {"used": 0, "idle": 1, "most": 3})
