import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.body import Body
from domain.errors import InvalidValue
from domain.metadata import DEPTH_MAX, METADATA_MAX, Metadata
from domain.strict_json import parse_document

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
)
objects = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
        ),
        max_leaves=5,
    ),
    max_size=3,
)


def nested(depth: int) -> dict[str, Any]:
    value: Any = {}
    for _ in range(depth - 1):
        value = {"a": value}
    result: dict[str, Any] = value
    return result


def rfc7396(target: Any, patch: Any) -> Any:
    """The pseudocode of section 2, line by line."""
    if not isinstance(patch, dict):
        return patch
    if not isinstance(target, dict):
        target = {}
    target = dict(target)
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        else:
            target[name] = rfc7396(target.get(name), value)
    return target


@given(objects, objects)
def test_a_merge_is_the_standards_merge(target: dict[str, Any], patch: dict[str, Any]) -> None:
    merged = Metadata.from_mapping(target).merge(patch)
    assert merged.to_dict() == rfc7396(target, patch)


# RFC 7396, appendix A, where both sides are objects; and one level further down.
@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
        ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
        ('{"a":"b"}', '{"a":null}', "{}"),
        ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
        ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
        ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
        ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
        ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
        ('{"a":{"b":1,"c":2}}', '{"a":{"b":3}}', '{"a":{"b":3,"c":2}}'),
        ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
        ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
    ],
)
def test_the_standards_examples(target: str, patch: str, result: str) -> None:
    assert Metadata(target).merge(json.loads(patch)) == Metadata(result)


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), (0, False)])
def test_values_that_are_written_differently_differ(one: object, other: object) -> None:
    assert Metadata.from_mapping({"a": one}) != Metadata.from_mapping({"a": other})  # type: ignore[dict-item]


def test_the_limit_counts_bytes_of_compact_utf_8() -> None:
    fits = {"é": "é" * ((METADATA_MAX - len('{"é":""}'.encode())) // 2)}
    assert len(Metadata.from_mapping(fits).json.encode()) in (METADATA_MAX, METADATA_MAX - 1)
    with pytest.raises(InvalidValue):
        Metadata.from_mapping({"é": fits["é"] + "é"})
    full = {"a": "x" * (METADATA_MAX - len('{"a":""}'))}
    assert len(Metadata.from_mapping(full).json) == METADATA_MAX
    with pytest.raises(InvalidValue):
        Metadata.from_mapping({"a": full["a"] + "x"})


def test_depth_is_bounded() -> None:
    """Of objects and of lists alike."""
    assert Metadata.from_mapping(nested(DEPTH_MAX)).to_dict() == nested(DEPTH_MAX)
    with pytest.raises(InvalidValue):
        Metadata.from_mapping(nested(DEPTH_MAX + 1))
    listed: Any = []
    for _ in range(DEPTH_MAX - 2):
        listed = [listed]
    assert Metadata.from_mapping({"a": listed}).to_dict() == {"a": listed}
    with pytest.raises(InvalidValue):
        Metadata.from_mapping({"a": [listed]})


@pytest.mark.parametrize(
    "value",
    [
        [],
        "text",
        None,
        {"a": "\0"},
        {"\0": "a"},
        {"a": ["\ud800"]},
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": {1: 2}},
        {"a": b"bytes"},
        {"a": 10**5000},
    ],
)
def test_what_is_no_storable_json_object_is_refused(value: Any) -> None:
    with pytest.raises(InvalidValue):
        Metadata.from_mapping(value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":1,"b":{"c":2,"d":[3]}}', '{"b":{"d":[3],"c":2},"a":1}'),
        ('{"a":1}', '{"a":1.0}'),
        ('{"a":-0}', '{"a":0.0}'),
        ('{"a":1500}', '{"a":1.5E3}'),
        ('{"a":0.10}', '{"a":1e-1}'),
    ],
)
def test_one_json_value_has_one_canonical_text(one: str, other: str) -> None:
    assert Metadata(one).canonical == Metadata(other).canonical


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":1}', '{"a":true}'),
        ('{"a":1}', '{"a":"1"}'),
        ('{"a":0}', '{"a":1}'),
        ('{"a":[1,2]}', '{"a":[2,1]}'),
        ('{"a":0.1}', '{"a":0.10000000000000000000000000001}'),
        ('{"a":null}', "{}"),
        ('{"a":1e-99999}', '{"a":2e-99999}'),
    ],
)
def test_another_json_value_has_another(one: str, other: str) -> None:
    assert Metadata(one).canonical != Metadata(other).canonical


@pytest.mark.parametrize(
    ("number", "fits"),
    [
        ("1e-16383", True),
        ("1E-16384", False),
        ("0.5e-16382", True),
        ("0.05e-16382", False),
        ("1e-00000016383", True),
        ("1e-99999999999999999999", False),
        (f"1e-{'9' * 5000}", False),
        (f"0.{'1' * 16_000}", True),
    ],
)
def test_a_number_has_as_many_digits_as_can_be_compared(number: str, *, fits: bool) -> None:
    """In a body any number is kept."""
    text = f'{{"a":[{number}]}}'
    value = parse_document(text.encode())
    assert Body.from_mapping(value).json == text
    if fits:
        assert Metadata.from_mapping(value).json == text
        return
    with pytest.raises(InvalidValue, match="must not contain a number out of range"):
        Metadata.from_mapping(value)


def test_a_number_with_a_huge_exponent_makes_no_long_text() -> None:
    numbers = ",".join(["1e-9999", "1e-16383", "-1e-8888"] * 400)
    metadata = Metadata.from_mapping(parse_document(f'{{"a":[{numbers}]}}'.encode()))
    assert len(metadata.canonical) < METADATA_MAX
