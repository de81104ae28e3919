"""JSON as RFC 8259 and RFC 7493 (I-JSON) have it, where the standard library is lenient."""

import json
import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, NoReturn, TypeAlias

JsonValue: TypeAlias = (
    "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
)

DEPTH_MAX = 128
"""Levels of arrays and objects in one JSON text (RFC 8259 section 9 allows a limit). Without one,
each version of the interpreter gives up at a depth of its own."""

_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(set(range(256)) - _STEPS.keys())


def parse(text: str | bytes) -> Any:  # noqa: ANN401 - JSON may hold anything
    """Parse one JSON text in UTF-8.

    Raises ValueError, with a message that repeats nothing of the text, for what is not JSON, a
    byte-order mark, NaN, an infinity, a number out of range, a repeated member, a lone surrogate,
    or more than DEPTH_MAX levels.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode()
        _check_depth(text)
        value = _DECODER.decode(text)
        if "\\u" in text:
            dump(value).encode()
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except UnicodeEncodeError:
        raise ValueError("a string holds a lone surrogate") from None
    except json.JSONDecodeError:
        raise ValueError("it is not JSON") from None
    return value


def dump(value: JsonValue) -> str:
    """Compact JSON, members in their order. Raises ValueError for NaN and infinities."""
    return _ENCODER.encode(value)


def _check_depth(text: str) -> None:
    """Raise ValueError for too many levels, before anything recurses into them."""
    if text.count("[") + text.count("{") <= DEPTH_MAX:
        return
    outside_strings = text.replace(r"\\", "").replace(r"\"", "").split('"')[::2]
    brackets = "".join(outside_strings).encode("ascii", "ignore").translate(None, _NO_BRACKETS)
    levels = accumulate(map(_STEPS.__getitem__, brackets))
    if max(levels, default=0) > DEPTH_MAX:
        raise ValueError(f"it nests more than {DEPTH_MAX} levels")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("an object repeats a member's name")
    return members


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("NaN and infinities are not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is out of range")
    return number


def _integer(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:
        raise ValueError("a number is out of range") from None


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_constant=_refuse_constant,
    parse_float=_finite,
    parse_int=_integer,
)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
