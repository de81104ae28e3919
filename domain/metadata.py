import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context
from typing import Any

from domain.errors import InvalidValue
from domain.strict_json import JsonValue, Number, dump, parse_stored
from domain.text import storable

METADATA_MAX = 16 * 1024
"""Bytes of an object of metadata as compact UTF-8 JSON."""

_EXACT = Context(prec=METADATA_MAX)

DIGITS_MAX = 400
"""Of a number in full; one with more has an exponent in its canonical text."""

DEPTH_MAX = 100
"""Levels of arrays and objects in it, the object itself included."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """A JSON object that its owner attaches to a session or a message.

    Kept as compact JSON text: a value that nobody can change from outside, equal to another only
    where both would be written alike (`1`, `1.0` and `true` differ), keys in the order they came.
    """

    json: str = "{}"

    @classmethod
    def from_mapping(cls, value: Mapping[str, JsonValue]) -> "Metadata":
        """Raises InvalidValue for what is no JSON object, cannot be stored, or is too large."""
        if not isinstance(value, Mapping):
            raise InvalidValue("must be an object")
        check_json(value)
        try:
            text = dump(dict(value))
        except ValueError:
            raise InvalidValue("must not contain a number out of range") from None
        if len(text.encode()) > METADATA_MAX:
            raise InvalidValue(f"must not exceed {METADATA_MAX} bytes as compact JSON")
        return cls(text)

    @property
    def canonical(self) -> str:
        """The same text for the same JSON value: the order of members and the spelling of numbers
        do not count."""
        return self.json if self.json == "{}" else dump(_canonical(parse_stored(self.json)))

    def to_dict(self) -> dict[str, Any]:
        """A fresh copy."""
        members: dict[str, Any] = json.loads(self.json)
        return members

    def merge(self, patch: Mapping[str, JsonValue]) -> "Metadata":
        """Apply a JSON merge patch (RFC 7396 section 2): null removes, objects merge."""
        return Metadata.from_mapping(_merged(parse_stored(self.json), patch))


EMPTY = Metadata()


def check_json(value: object, depth: int = 1) -> None:
    """Raise InvalidValue unless `value` is JSON that every backend keeps as it is."""
    match value:
        case str():
            storable(value)
        case None | bool() | int() | Number():
            pass
        case float():
            if not math.isfinite(value):
                raise InvalidValue("must not contain NaN or an infinity")
        case _ if depth > DEPTH_MAX:
            raise InvalidValue(f"must not nest more than {DEPTH_MAX} levels")
        case Mapping():
            for name, member in value.items():
                storable(name)
                check_json(member, depth + 1)
        case list() | tuple():
            for item in value:
                check_json(item, depth + 1)
        case _:
            raise InvalidValue("must hold JSON values only")


def _canonical(value: JsonValue) -> JsonValue:
    match value:
        case bool():
            return value
        case int() | float() | Number():
            text = value.text if isinstance(value, Number) else repr(value)
            number = _EXACT.normalize(_EXACT.create_decimal(text))
            if not number:
                return 0
            is_short = abs(number.adjusted()) < DIGITS_MAX
            return Number(f"{number:f}" if is_short else str(number))
        case Mapping():
            return {name: _canonical(value[name]) for name in sorted(value)}
        case list() | tuple():
            return [_canonical(item) for item in value]
    return value


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
