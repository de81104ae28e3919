"""What `/metrics` tells, read as Prometheus reads it."""

import secrets
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.entrypoints.conftest import HERE, Api


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


async def test_no_path_method_or_name_makes_a_series(api: Api) -> None:
    async def ask(path: str, method: str) -> None:
        request = api.client.build_request(method, HERE + path, headers=api.bearer(path[-200:]))
        await api.client.send(request)

    await ask("/none", "GET")
    await ask("/sessions/none", "GET")
    await ask("/none", "NONE")
    await scraped(api)
    before = await scraped(api)
    for _ in range(300):
        random = secrets.token_hex(12)
        await ask(f"/{random}", "GET")
        await ask(f"/sessions/{random}", "GET")
        await ask("/none", random.upper())
    after = await scraped(api)
    assert series(after) == series(before)


def series(found: list[Sample]) -> set[tuple[str, frozenset[tuple[str, str]]]]:
    return {(sample.name, frozenset(sample.labels.items())) for sample in found}


async def test_what_is_counted_beside_requests_is_there_from_the_start(api: Api) -> None:
    """An alert on a rise sees the first one too."""
    found = {sample.name: sample.value for sample in await scraped(api)}
    for name in ("auth_failures", "rate_limited", "limiter_unavailable"):
        assert found[f"chat_sessions_{name}_total"] == 0
