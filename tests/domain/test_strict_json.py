import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.strict_json import DEPTH_MAX, dump, parse

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
    with pytest.raises(ValueError, match=r"^[ A-Za-z'0-9-]+$") as refusal:
        parse(text)
    assert len(str(refusal.value)) < 60


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
