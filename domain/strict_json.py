"""JSON as RFC 8259 and RFC 7493 (I-JSON) have it, where the standard library is lenient."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any, TypeAlias

DEPTH_MAX = 128
"""Levels of arrays and objects in one JSON text (RFC 8259 section 9 allows a limit). Without one,
each version of the interpreter gives up at a depth of its own."""

_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(set(range(256)) - _STEPS.keys())

_EXPECTED = {
    "Expecting value": "a value",
    "Expecting property name": "a name in double quotes",
    "Expecting ':'": "a colon",
    "Expecting ','": "a comma or a closing bracket",
    "Extra data": "nothing more",
    "Illegal trailing comma": "no comma before a closing bracket",
    "Invalid control character": "an escape in place of a control character",
    "Invalid \\": "an escape that JSON knows",
    "Unterminated string": "a closing quotation mark",
}
"""What the standard library's messages begin with, and what should stand at that place."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written, where Python would write the same number differently."""

    text: str


JsonValue: TypeAlias = (
    "bool | int | float | Number | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
)

Path: TypeAlias = "tuple[str | int, ...]"


class JsonError(ValueError):
    """The text is not acceptable. The message repeats nothing of it; `paths` are the places in it
    that break the rule, where it could be read that far."""

    def __init__(self, detail: str, paths: Sequence[Path] = ()) -> None:
        super().__init__(detail)
        self.paths = paths


@dataclass(frozen=True, slots=True)
class _Fault:
    """Stands in a value for what is not acceptable."""

    detail: str


def parse(text: str | bytes) -> Any:  # noqa: ANN401 - JSON may hold anything
    """Parse one JSON text in UTF-8.

    Raises JsonError for what is not JSON, a byte-order mark, NaN, an infinity, a number out of
    range, a repeated member, a lone surrogate, or more than DEPTH_MAX levels.
    """
    if isinstance(text, bytes):
        text = _decoded(text)
    value = _parsed(text, exact=False)
    if "\\u" in text:
        try:
            dump(value).encode()
        except UnicodeEncodeError:
            raise JsonError("a string holds a lone surrogate") from None
    return value


def parse_document(raw: bytes) -> Any:  # noqa: ANN401 - JSON may hold anything
    """Parse a client's JSON text: as `parse`, but with each number as it was written, past a
    byte-order mark, and with lone surrogates, which the rules of a string refuse or not."""
    text = _decoded(raw).removeprefix("\ufeff")
    if not text.strip(" \t\r\n"):
        raise JsonError("it is empty")
    return _parsed(text, exact=True)


def parse_stored(text: str) -> Any:  # noqa: ANN401 - JSON may hold anything
    """Parse what `dump` has written, with each number as it was written."""
    return _decoder([], exact=True).decode(text)


def dump(value: JsonValue) -> str:
    """Compact JSON, members in their order. Raises ValueError for NaN and infinities."""
    try:
        return _ENCODER.encode(value)
    except TypeError:  # a Number, which the standard library does not know
        return "".join(_pieces(value))


def dump_escaped(value: JsonValue) -> str:
    """The same with lone surrogates escaped, so that it can be stored and sent as UTF-8."""
    text = dump(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return text


def _pieces(value: JsonValue) -> Iterator[str]:
    match value:
        case Number():
            yield value.text
        case Mapping():
            yield "{"
            for place, (name, member) in enumerate(value.items()):
                yield f"{',' if place else ''}{_ENCODER.encode(name)}:"
                yield from _pieces(member)
            yield "}"
        case list() | tuple():
            yield "["
            for place, item in enumerate(value):
                yield "," if place else ""
                yield from _pieces(item)
            yield "]"
        case _:
            yield _ENCODER.encode(value)


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise JsonError("it is not UTF-8") from None


def _parsed(text: str, *, exact: bool) -> Any:  # noqa: ANN401 - JSON may hold anything
    _check_depth(text)
    faults: list[_Fault] = []
    try:
        value = _decoder(faults, exact=exact).decode(text)
    except json.JSONDecodeError as error:
        known = (what for begin, what in _EXPECTED.items() if error.msg.startswith(begin))
        expected = next(known, "JSON")
        raise JsonError(
            f"it is not JSON: line {error.lineno}, column {error.colno}, where {expected} should be"
        ) from None
    if faults:
        first = faults[0].detail
        raise JsonError(first, [path for path, fault in _found(value) if fault.detail == first])
    return value


def _decoder(faults: list[_Fault], *, exact: bool) -> json.JSONDecoder:
    def fault(detail: str, _: object = None) -> _Fault:
        faults.append(_Fault(detail))
        return faults[-1]

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Fault:
        found = dict(pairs)
        return found if len(found) == len(pairs) else fault("an object repeats a member's name")

    def real(digits: str) -> float | Number | _Fault:
        number = float(digits)
        if not math.isfinite(number):
            return fault("a number is out of range")
        return Number(digits) if exact and repr(number) != digits else number

    def integer(digits: str) -> int | Number | _Fault:
        try:
            number = int(digits)
        except ValueError:
            return fault("a number is out of range")
        return Number(digits) if exact and digits == "-0" else number

    return json.JSONDecoder(
        object_pairs_hook=members,
        parse_constant=partial(fault, "NaN and infinities are not JSON"),
        parse_float=real,
        parse_int=integer,
    )


def _found(value: object, path: Path = ()) -> Iterator[tuple[Path, _Fault]]:
    if isinstance(value, _Fault):
        yield path, value
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _found(member, (*path, name))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _found(item, (*path, place))


def _check_depth(text: str) -> None:
    """Raise ValueError for too many levels, before anything recurses into them."""
    if text.count("[") + text.count("{") <= DEPTH_MAX:
        return
    outside_strings = text.replace(r"\\", "").replace(r"\"", "").split('"')[::2]
    brackets = "".join(outside_strings).encode("ascii", "ignore").translate(None, _NO_BRACKETS)
    levels = accumulate(map(_STEPS.__getitem__, brackets))
    if max(levels, default=0) > DEPTH_MAX:
        raise JsonError(f"it nests more than {DEPTH_MAX} levels")


_SURROGATE = re.compile("[\ud800-\udfff]")
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
