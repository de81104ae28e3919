import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context
from typing import Any, Self

from domain.errors import InvalidValue
from domain.strict_json import JsonValue, Number, dump, dump_escaped, parse_stored

_EXACT = Context(prec=16 * 1024)

DIGITS_MAX = 400
"""Of a number in full; one with more has an exponent in its canonical text."""


@dataclass(frozen=True, slots=True)
class JsonObject:
    """A JSON object as compact text: a value that nobody can change from outside, equal to another
    only where both are written alike (`1`, `1.0` and `true` differ), members in the order they
    came."""

    json: str = "{}"

    @property
    def canonical(self) -> str:
        """The same text for the same JSON value: the order of members and the spelling of numbers
        do not count."""
        return self.json if self.json == "{}" else canonical_text(parse_stored(self.json))

    @property
    def size(self) -> int:
        """Bytes as compact JSON in UTF-8."""
        return len(self.json.encode())

    def to_dict(self) -> dict[str, Any]:
        """A fresh copy."""
        members: dict[str, Any] = json.loads(self.json)
        return members

    @classmethod
    def _compact(cls, value: Mapping[str, JsonValue], size_max: int) -> Self:
        try:
            text = dump_escaped(dict(value))
        except ValueError:
            raise InvalidValue("must not contain a number out of range") from None
        if len(text.encode()) > size_max:
            raise InvalidValue(f"must not exceed {size_max} bytes as compact JSON")
        return cls(text)


def canonical_text(value: JsonValue) -> str:
    """Write a JSON value so that equal values are written alike."""
    return dump(_canonical(value))


def _canonical(value: JsonValue) -> JsonValue:
    match value:
        case bool():
            return value
        case int() | float() | Number():
            return _canonical_number(value)
        case Mapping():
            return {name: _canonical(value[name]) for name in sorted(value)}
        case list() | tuple():
            return [_canonical(item) for item in value]
    return value


def _canonical_number(value: float | Number) -> JsonValue:
    text = value.text if isinstance(value, Number) else repr(value)
    number = _EXACT.normalize(_EXACT.create_decimal(text))
    if not number:
        return 0
    is_short = abs(number.adjusted()) < DIGITS_MAX
    return Number(f"{number:f}" if is_short else str(number))
