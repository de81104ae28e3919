"""A lint of the description for what generators of clients choke on, each rule met in the wild."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

DESCRIPTION = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
SCHEMAS = DESCRIPTION["components"]["schemas"]
INT32_MAX = 2**31 - 1


def schemas(value: Any, at: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema in it, with its place; no example, which may have any member."""
    if isinstance(value, dict):
        keywords = {"type", "$ref", "anyOf", "oneOf", "allOf", "enum", "pattern", "format"}
        if keywords & value.keys() and not at.endswith("/properties"):
            yield at, value
        for name, member in value.items():
            if name not in {"example", "examples"}:
                yield from schemas(member, f"{at}/{name}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from schemas(item, f"{at}/{number}")


def kinds(schema: dict[str, Any]) -> set[str]:
    found = schema.get("type", [])
    return {found} if isinstance(found, str) else set(found)


def named(at: str) -> bool:
    return re.fullmatch("#/components/schemas/[A-Za-z]+", at) is not None


RULES: list[tuple[str, Callable[[dict[str, Any], str], object]]] = [
    (
        "C# matches the pattern against a date, and does not compile",
        lambda schema, _: "pattern" in schema and "format" in schema,
    ),
    (
        "engines differ in escapes of characters, look-arounds and counted repetitions",
        lambda schema, _: re.search(r"\\[uxpP]|\(\?|\{\d|[*+?]\+", schema.get("pattern", "")),
    ),
    (
        "JavaScript, Java and C# count UTF-16 units, and refuse text that is short enough",
        lambda schema, _: "maxLength" in schema and "pattern" not in schema,
    ),
    (
        "Kotlin and PHP make one class of all the members, each of them wanted",
        lambda schema, _: {"anyOf", "oneOf", "allOf", "not", "if"} & schema.keys(),
    ),
    (
        "what has no name is named by its place",
        lambda schema, at: "properties" in schema and not named(at),
    ),
    (
        "an id is got as one type and sent in a path as another, and Swift writes it in capitals",
        lambda schema, _: schema.get("format") == "uuid",
    ),
    (
        "PHP cannot write a time in a query, and JavaScript's has too few digits",
        lambda schema, at: schema.get("format") == "date-time" and "/parameters/" in at,
    ),
    (
        "of an enumeration with null few make a type",
        lambda schema, _: "enum" in schema and kinds(schema) != {"string"},
    ),
    (
        "a value of several types has none in most languages",
        lambda schema, _: len(kinds(schema) - {"null"}) > 1,
    ),
    (
        "a member with a default is taken for one that is always there",
        lambda schema, at: "default" in schema and "/parameters/" not in at,
    ),
    (
        "integers have 32 bits unless their format says otherwise",
        lambda schema, _: schema.get("maximum", 0) > INT32_MAX and "format" not in schema,
    ),
]


def faults(schema: dict[str, Any], at: str) -> list[str]:
    return [fault for fault, breaks in RULES if breaks(schema, at)]


@pytest.mark.parametrize("part", ["paths", "components"])
def test_no_schema_is_one_that_generators_choke_on(part: str) -> None:
    found = list(schemas(DESCRIPTION[part], f"#/{part}"))
    assert len(found) > 40
    assert not [(at, fault) for at, schema in found for fault in faults(schema, at)]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "format": "date-time", "pattern": "Z$"},
        {"type": "string", "pattern": r"[^\u0000]"},
        {"type": "string", "pattern": r"(?=a)"},
        {"type": "string", "pattern": "a{0,198}"},
        {"type": "string", "maxLength": 200},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        {"oneOf": [{"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B"}]},
        {"type": "string", "format": "uuid"},
        {"type": "object", "properties": {"a": {"type": "string"}}},
        {"type": ["string", "null"], "enum": ["a", None]},
        {"type": ["string", "integer"]},
        {"type": "string", "default": "x"},
        {"type": "integer", "maximum": 2**31},
    ],
)
def test_the_lint_finds_each_fault(schema: dict[str, Any]) -> None:
    member = "#/components/schemas/Thing/properties/member"
    assert list(faults(schema, member))


def test_the_lint_finds_a_time_in_a_query() -> None:
    schema = {"type": "string", "format": "date-time"}
    assert faults(schema, "#/paths/~1things/get/parameters/0/schema")
    assert not faults(schema, "#/components/schemas/Thing/properties/member")


def test_no_answer_takes_the_name_of_a_schema_that_it_does_not_have() -> None:
    """Orval makes one type of `Conflict` among the answers and of `ConflictResponse`."""
    for name, answer in DESCRIPTION["components"]["responses"].items():
        (content,) = answer["content"].values()
        if f"{name}Response" in SCHEMAS:
            assert content["schema"] == {"$ref": f"#/components/schemas/{name}Response"}


def test_no_two_enumerations_share_a_value() -> None:
    """Go makes a constant of each, in one package."""
    values = Counter(value for schema in SCHEMAS.values() for value in schema.get("enum", ()))
    assert not [value for value, count in values.items() if count > 1]


def test_names_differ_by_more_than_their_letters_size() -> None:
    """Of schemas and operations: they become files and methods."""
    operations = [
        operation["operationId"]
        for path in DESCRIPTION["paths"].values()
        for operation in path.values()
    ]
    for names in (list(SCHEMAS), operations):
        assert len({name.lower() for name in names}) == len(names)
        assert all(re.fullmatch("[A-Za-z][A-Za-z0-9]*", name) for name in names)


def test_names_of_members_and_parameters_are_words() -> None:
    for _, schema in schemas(DESCRIPTION["components"]):
        assert all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in schema.get("properties", ()))


def test_ids_in_paths_are_plain_text() -> None:
    """An external id may stand there, and many a client checks the form of a UUID."""
    for path in DESCRIPTION["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    assert parameter["schema"].keys() == {"type", "examples"}
                    assert parameter["schema"]["type"] == "string"


def test_a_body_is_of_one_model_and_one_answer_is_too() -> None:
    for path in DESCRIPTION["paths"].values():
        for operation in path.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                assert content["schema"].keys() == {"$ref"}
            models = {
                content["schema"]["$ref"]
                for status, answer in operation["responses"].items()
                if status < "3"
                for content in answer.get("content", {}).values()
                if "$ref" in content.get("schema", {})
            }
            assert len(models) <= 1
