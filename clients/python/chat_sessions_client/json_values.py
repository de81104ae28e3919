"""Values of any kind as JSON has them."""

from collections import deque
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from math import isfinite, isnan
from typing import Any

from pydantic_core import to_jsonable_python

DEPTH_MAX = 150


def as_json(value: object) -> Any:  # noqa: ANN401 - JSON of any kind
    """The value, in which text stands for what JSON has no form for.

    NaN and infinities are their names, a value within itself is "...", keys are text, sets are
    lists, dates are as RFC 3339 has them, bytes are base64, and any other object is what `str` says
    of it. Raises ValueError where it is nested too deep to be read back.
    """
    return _as_json(value, ())


def _as_json(value: object, within: tuple[int, ...]) -> object:
    if value is None or (isinstance(value, bool | str | int) and not isinstance(value, Enum)):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else _named(value)
    if id(value) in within:
        return "..."
    if len(within) == DEPTH_MAX:
        raise ValueError(f"a value is nested deeper than {DEPTH_MAX} levels")
    inside = (*within, id(value))
    if isinstance(value, Mapping):
        return {_key(name): _as_json(member, inside) for name, member in value.items()}
    if isinstance(value, list | tuple | AbstractSet | deque):
        return [_as_json(member, inside) for member in value]
    return _as_json(_plain(value), inside)


def _named(value: float) -> str:
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _key(name: object) -> str:
    """As the standard library writes keys, and any other by what `str` says of it."""
    plain = _as_json(name, ())
    if isinstance(plain, str):
        return plain
    if plain is None or isinstance(plain, bool):
        return {None: "null", True: "true", False: "false"}[plain]
    return str(name)


def _plain(value: object) -> object:
    try:
        return to_jsonable_python(value, fallback=str, bytes_mode="base64")
    except Exception:  # noqa: BLE001 - whatever somebody's object does when it is asked
        return f"<{type(value).__name__}>"
