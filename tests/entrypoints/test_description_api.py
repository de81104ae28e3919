"""The OpenAPI description: complete, and true of the service."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator, Registry

from entrypoints.http.app import routed_app
from tests.entrypoints.conftest import Api, problem
from tests.routes import OPERATIONS

DESCRIPTION = routed_app().openapi()
COMPONENTS = DESCRIPTION["components"]
OPERATION = {
    operation["operationId"]: operation
    for path in DESCRIPTION["paths"].values()
    for operation in path.values()
}


@pytest.fixture
def backend() -> str:
    return "memory"


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """What a reference leads to."""
    target: dict[str, Any] = part
    if "$ref" in part:
        target = DESCRIPTION
        for name in part["$ref"].removeprefix("#/").split("/"):
            target = target[name]
    return target


def parts(value: Any, at: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in it, with its place."""
    if isinstance(value, dict):
        yield at, value
        for name, member in value.items():
            yield from parts(member, f"{at}/{name}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from parts(item, f"{at}/{number}")


def valid(schema: dict[str, Any], value: Any) -> bool:
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **DESCRIPTION}
    registry = Registry([("urn:description", whole)])
    absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:description#/'))
    validator = Draft202012Validator(absolute, registry=registry, validate_formats=True)
    return validator.is_valid(value)


def test_every_operation_has_its_lasting_name() -> None:
    assert DESCRIPTION["openapi"].startswith("3.1")
    assert OPERATION.keys() == OPERATIONS
    assert {"SessionCreate", "SessionResponse", "MessageResponse"} <= COMPONENTS["schemas"].keys()


def test_everything_is_described_with_an_example() -> None:
    """Operations, parameters, answers, headers, models and their members."""
    for name, operation in OPERATION.items():
        assert operation["description"], name
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], (name, parameter["name"])
            in_words = "such as `" in parameter["description"].lower()
            assert in_words or parameter["schema"]["examples"], (name, parameter["name"])
        for status, answer in operation["responses"].items():
            assert resolved(answer)["description"], (name, status)
            assert "X-Request-ID" in resolved(answer)["headers"], (name, status)
    for name, header in COMPONENTS["headers"].items():
        assert header["description"], name
        assert header["schema"]["examples"], name
    for name, answer in COMPONENTS["responses"].items():
        assert answer["content"]["application/problem+json"]["example"], name
    for name, schema in COMPONENTS["schemas"].items():
        for field, member in schema.get("properties", {}).items():
            is_composed = "$ref" in member or "$ref" in member.get("items", {})
            assert is_composed or field == "errors" or member["examples"], (name, field)
            assert ({**resolved(member), **member})["description"], (name, field)


def test_every_example_is_valid_against_its_schema() -> None:
    checked = 0
    for at, part in parts(DESCRIPTION):
        for example in part.get("examples", ()) if "/example" not in at else ():
            assert valid(part, example), at
            checked += 1
        if "example" in part and "schema" in part:
            assert valid(part["schema"], part["example"]), at
            checked += 1
    assert checked > 80


@pytest.mark.parametrize("name", ["listSessions", "listMessages"])
async def test_the_examples_of_a_list_make_a_request_together(api: Api, name: str) -> None:
    query = {
        parameter["name"]: parameter["schema"]["examples"][0]
        for parameter in OPERATION[name]["parameters"]
        if parameter["in"] == "query" and "examples" in parameter["schema"]
    }
    assert query.keys() >= {"limit", "offset", "sort_by", "sort_order"}
    (path,) = (at for at, of in DESCRIPTION["paths"].items() if of.get("get") is OPERATION[name])
    path = path.format(session_id=(await api.create())["id"])
    response = await api.ask("GET", path, params=query)
    assert response.status_code == 200, response.text


SENT = ("SessionCreate", "SessionUpdate", "MessagesAppend", "MessageCreate", "MessageReplace")


def test_what_clients_send_has_no_other_members() -> None:
    for name in SENT:
        assert COMPONENTS["schemas"][name]["additionalProperties"] is False
    body = OPERATION["updateSession"]["requestBody"]["content"]
    assert body.keys() == {"application/json", "application/merge-patch+json"}


def test_no_parameter_can_be_null() -> None:
    for operation in OPERATION.values():
        for parameter in operation.get("parameters", ()):
            assert not valid(parameter["schema"], None)


def test_every_refusal_is_a_problem() -> None:
    for operation in OPERATION.values():
        for status, answer in operation["responses"].items():
            if status >= "4":
                assert resolved(answer)["content"].keys() == {"application/problem+json"}
    assert "HTTPValidationError" not in json.dumps(DESCRIPTION)


def test_no_component_is_left_over() -> None:
    text = json.dumps(DESCRIPTION)
    for kind in ("schemas", "headers", "responses"):
        for name in COMPONENTS[kind]:
            assert f'"#/components/{kind}/{name}"' in text, name


async def test_the_description_is_served(api: Api) -> None:
    assert (await api.ask("GET", "/openapi.json", None)).json() == DESCRIPTION


class TestBehindAProxy:
    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"public_url": "https://chat.example/api/"}

    async def test_the_server_is_where_clients_find_it(self, api: Api) -> None:
        description = (await api.ask("GET", "/openapi.json", None)).json()
        assert [server["url"] for server in description["servers"]] == ["https://chat.example/api"]


@pytest.mark.parametrize("title", ["Lisbon", " x ", "🛶" * 200, " " + "é" * 200 + " ", None])
async def test_the_schema_of_a_title_lets_every_title_pass(api: Api, title: str | None) -> None:
    described = COMPONENTS["schemas"]["SessionCreate"]["properties"]["title"]
    assert (await api.ask("POST", "/sessions", json={"title": title})).is_success
    assert valid(described, title)


@pytest.fixture
async def session(api: Api) -> str:
    return f"/sessions/{(await api.create(external_id='taken'))['id']}"


REFUSED: dict[int, tuple[str, str, dict[str, Any]]] = {
    400: ("POST", "/sessions", {"content": "", "headers": {"Content-Type": "application/json"}}),
    401: ("GET", "/sessions", {"who": None}),
    403: ("GET", "{session}", {"who": "bob"}),
    404: ("GET", "/sessions/x", {}),
    409: ("POST", "/sessions", {"json": {"external_id": "taken"}}),
    412: ("DELETE", "{session}", {"headers": {"If-Match": '"x"'}}),
    413: ("POST", "/sessions", {"content": "x" * (5 << 20) + "x"}),
    415: ("POST", "/sessions", {"content": "x"}),
    421: ("GET", "/sessions", {"headers": {"Host": "elsewhere.example"}}),
    422: ("POST", "{session}/messages", {"json": {"messages": [{"content": "x"}]}}),
    431: ("GET", "/sessions", {"headers": {"X-Long": "x" * 33_000}}),
}


@pytest.mark.parametrize(("status", "request_"), REFUSED.items())
async def test_the_example_of_a_problem_is_what_is_answered(
    api: Api, session: str, status: int, request_: tuple[str, str, dict[str, Any]]
) -> None:
    method, path, given = request_
    response = await api.ask(method, path.format(session=session), **given)
    answered = problem(response, status)
    described = next(
        answer
        for answer in COMPONENTS["responses"].values()
        if answer["content"]["application/problem+json"]["example"]["status"] == status
    )
    content = described["content"]["application/problem+json"]
    assert valid(content["schema"], answered)
    own = {
        name: answered[name]
        for name in ("instance", "request_id", "session_id")
        if name in answered
    }
    assert answered == content["example"] | own
    for name in described["headers"]:
        if COMPONENTS["headers"][name]["required"]:
            assert name in response.headers
