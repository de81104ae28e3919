import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.strict_json import DEPTH_MAX, JsonError, dump, parse, parse_document

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(values)
def test_what_is_written_reads_back_as_it_was(value: object) -> None:
    text = dump(value)  # type: ignore[arg-type]  # made of JSON values
    assert dump(parse(text)) == text
    assert json.dumps(parse(text.encode())) == json.dumps(value)


REFUSED = {
    "nothing": "",
    "white space": " \n",
    "NaN": "[NaN]",
    "Infinity": '{"a": -Infinity}',
    "a number out of range": "[1e400]",
    "an integer out of range": "1" * 5000,
    "a lone surrogate": r'["\ud800"]',
    "a lone surrogate in a name": r'{"\uDC00": 1}',
    "a repeated member": '{"a": 1, "b": {"c": 1, "c": 1}}',
    "a member repeated by an escape": r'{"a": 1, "\u0061": 1}',
    "a trailing comma": "[1,]",
    "two texts": "{} {}",
    "single quotes": "{'a': 1}",
    "a comment": "{} // no",
    "a byte-order mark": "\ufeff{}",
    "a control character": '["\n"]',
    "a leading zero": "[01]",
    "depth without end": "[" * 100_000,
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_json_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"^[ A-Za-z'0-9:,-]+$") as refusal:
        parse(text)
    assert len(str(refusal.value)) < 100


@pytest.mark.parametrize("raw", [b'"\xff"', '{"a": 1}'.encode("utf-16"), b"\xed\xa0\x80"])
def test_bytes_that_are_not_utf_8_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="it is not"):
        parse(raw)


def test_a_surrogate_pair_is_one_character() -> None:
    assert parse(r'"\ud83d\ude42"') == "🙂"


brackets = st.text(r'[]{}"\,: ')
nestings = st.recursive(
    brackets,
    lambda inner: st.lists(inner) | st.dictionaries(brackets, inner),
    max_leaves=10,
)


def levels(value: object) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(levels, value), default=0) if isinstance(value, list) else 0


@given(nestings, st.sampled_from([("[", "]"), ('{"{":', "}")]))
def test_depth_is_bounded_and_brackets_in_strings_do_not_count(
    value: object, around: tuple[str, str]
) -> None:
    opening, closing = around
    text, more = json.dumps(value), DEPTH_MAX - levels(value)
    fits = opening * more + text + closing * more
    assert parse(fits) == parse(fits.encode()) == json.loads(fits)
    with pytest.raises(ValueError, match="more than 128 levels"):
        parse(opening + fits + closing)


@pytest.mark.parametrize(
    "number", ["1e-400", "0.12345678901234567890123", "-0", "19.990", "1E5", "1.0", "7", "-0.0"]
)
def test_a_number_comes_back_to_the_digit(number: str) -> None:
    text = f'{{"a":[{number},{{"b":{number}}}],"c":"x"}}'
    assert dump(parse_document(text.encode())) == text


WRONG = {
    b"": "it is empty",
    b" \n": "it is empty",
    b'{"a": 1,}': "line 1, column",
    b'{\n "a" 1}': "line 2, column 6, where a colon should be",
    b"[1 2]": "line 1, column 4, where a comma or a closing bracket should be",
    b"{} {}": "line 1, column 4, where nothing more should be",
    b'"x': "where a closing quotation mark should be",
    b"[nul]": "line 1, column 2, where a value should be",
}


@pytest.mark.parametrize(("text", "told"), WRONG.items())
def test_a_client_is_told_where_its_json_is_wrong(text: bytes, told: str) -> None:
    with pytest.raises(JsonError, match=told):
        parse_document(text)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ('{"a": [1, NaN], "b": -Infinity}', [("a", 1), ("b",)]),
        ('[{"a": 1, "a": 2}, {"b": [{"c": 1, "c": 1}]}]', [(0,), (1, "b", 0)]),
        ("[1e999]", [(0,)]),
    ],
)
def test_what_is_wrong_in_a_value_is_told_by_its_places(text: str, paths: object) -> None:
    with pytest.raises(JsonError) as refusal:
        parse_document(text.encode())
    assert refusal.value.paths == paths


def test_a_byte_order_mark_is_passed_over_and_a_surrogate_is_left_to_the_rules_of_strings() -> None:
    assert parse_document(b"\xef\xbb\xbf[1]") == [1]
    assert parse_document(rb'"\ud83d"') == "\ud83d"
