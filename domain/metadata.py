import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.errors import InvalidValue
from domain.json_object import JsonObject
from domain.strict_json import JsonValue, Number, parse_stored
from domain.text import any_string, storable

METADATA_MAX = 16 * 1024
"""Bytes of an object of metadata as compact UTF-8 JSON."""

FRACTION_DIGITS_MAX = 16_383
"""Digits after the point of a number: PostgreSQL's numeric has no more (manual, section 8.1.2)."""

DEPTH_MAX = 100
"""Levels of arrays and objects in it, the object itself included."""


@dataclass(frozen=True, slots=True)
class Metadata(JsonObject):
    """A JSON object that its owner attaches to a session or a message, at most 16 KiB."""

    @classmethod
    def from_mapping(cls, value: Mapping[str, JsonValue]) -> "Metadata":
        """Raises InvalidValue for what is no JSON object, cannot be stored, or is too large."""
        if not isinstance(value, Mapping):
            raise InvalidValue("must be an object")
        check_json(value)
        return cls._compact(value, METADATA_MAX)

    def merge(self, patch: Mapping[str, JsonValue]) -> "Metadata":
        """Apply a JSON merge patch (RFC 7396 section 2): null removes, objects merge."""
        return Metadata.from_mapping(_merged(parse_stored(self.json), patch))


EMPTY = Metadata()


def check_json(value: object, *, is_opaque: bool = False, depth: int = 1) -> None:
    """Raise InvalidValue unless `value` is JSON of at most 100 levels. What is not opaque holds
    only strings that every backend keeps, and numbers that each can compare."""
    match value:
        case None | bool() | int():
            pass
        case str() | float() | Number():
            _check_leaf(value, is_opaque=is_opaque)
        case _ if depth > DEPTH_MAX:
            raise InvalidValue(f"must not nest more than {DEPTH_MAX} levels")
        case Mapping():
            for name, member in value.items():
                _check_text(name, is_opaque=is_opaque)
                check_json(member, is_opaque=is_opaque, depth=depth + 1)
        case list() | tuple():
            for item in value:
                check_json(item, is_opaque=is_opaque, depth=depth + 1)
        case _:
            raise InvalidValue("must hold JSON values only")


def _check_leaf(value: str | float | Number, *, is_opaque: bool) -> None:
    match value:
        case Number(text):
            if not is_opaque and _fraction_digits(text) > FRACTION_DIGITS_MAX:
                raise InvalidValue("must not contain a number out of range")
        case float():
            if not math.isfinite(value):
                raise InvalidValue("must not contain NaN or an infinity")
        case _:
            _check_text(value, is_opaque=is_opaque)


def _check_text(text: str, *, is_opaque: bool) -> None:
    any_string(text) if is_opaque else storable(text)


def _fraction_digits(number: str) -> float:
    """Digits after the point, where the number is written without an exponent."""
    mantissa, _, exponent = number.lower().partition("e")
    return len(mantissa.partition(".")[2]) - float(exponent or 0)


def _merged(target: object, patch: Mapping[str, JsonValue]) -> dict[str, Any]:
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            result[name] = _merged(result.get(name), value)
        else:
            result[name] = value
    return result
