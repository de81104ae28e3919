"""One sabotage: code is named, and never quoted. Each change replaces a named object by what a
function makes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

Change = Callable[[Any], Any]


@dataclass(frozen=True)
class Sabotage:
    test: str
    """Its pytest node."""
    changes: Mapping[str, Change]
    """By names as `pkgutil.resolve_name` takes them: `package.module:object.attribute`."""

    def apply(self) -> None:
        """In this process, before anything else has imported what is changed."""
        for name, change in self.changes.items():
            place, _, attribute = name.rpartition("." if "." in name.partition(":")[2] else ":")
            setattr(resolve_name(place), attribute, change(resolve_name(name)))


def instead(value: Any) -> Change:
    return lambda _: value


def returning(value: object) -> Change:
    """A coroutine function that does nothing but give the value."""

    async def give(*_: Any, **__: Any) -> object:
        return value

    return instead(give)
