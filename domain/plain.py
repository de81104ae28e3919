"""Values of the domain as plain JSON values, so that they can be digested."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.json_object import JsonObject


class PlainForm:
    """Makes of a value what `json` can write, with every field of every dataclass in it.

    A dataclass is a list: the fields that `always` names for its kind, in that order, and then, by
    name, those of the others that are not at their default. So a field that is added with a
    default changes nothing for a value that does without it.
    """

    def __init__(self, always: Mapping[type, Sequence[str]]) -> None:
        self._always = always
        self._known: dict[type, tuple[Sequence[str], Mapping[str, object]]] = {}

    def __call__(self, value: Any) -> Any:  # noqa: ANN401 - JSON may hold anything
        match value:
            case str():
                return value
            case JsonObject():
                return value.canonical
            case tuple():
                return [self(item) for item in value]
            case UUID() | datetime():
                return str(value)
        return self._members(value) if is_dataclass(value) else value

    def _members(self, value: object) -> list[Any]:
        kind = type(value)
        if kind not in self._known:
            self._known[kind] = self._fields(kind)
        first, others = self._known[kind]
        members = [self(getattr(value, name)) for name in first]
        chosen = {
            name: self(held)
            for name, default in others.items()
            if (held := getattr(value, name)) != default
        }
        return [*members, chosen] if chosen else members

    def _fields(self, kind: Any) -> tuple[Sequence[str], Mapping[str, object]]:  # noqa: ANN401 - any dataclass
        first = next((names for base, names in self._always.items() if issubclass(kind, base)), ())
        return first, {one.name: one.default for one in fields(kind) if one.name not in first}
