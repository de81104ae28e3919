"""Takes JSON objects apart and puts them together, each value as it was written.

msgspec does it, but for what has a lone surrogate in it, which is written as an escape.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from domain.strict_json import dump_escaped, parse_stored

Members = dict[str, msgspec.Raw]
"""Members of a JSON object by their names, each value as JSON."""

_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_objects = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode


def members_of(text: str) -> Members:
    """The members of a JSON object, which is compact."""
    try:
        return _members(text)
    except msgspec.MsgspecError:
        return _split(parse_stored(text))


def objects_in(array: msgspec.Raw) -> list[Members] | None:
    """The members of each object in a compact JSON array; None for what is no array of objects."""
    try:
        return list(_objects(array))
    except msgspec.MsgspecError:
        items = parse_stored(bytes(array).decode())
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            return None
        return [_split(item) for item in items]


def joined(value: object) -> str:
    """Write a value in which there may be JSON, and lone surrogates in the names of members."""
    match value:
        case msgspec.Raw():
            return bytes(value).decode()
        case Mapping():
            pairs = (f"{dump_escaped(name)}:{joined(member)}" for name, member in value.items())
            return f"{{{','.join(pairs)}}}"
        case list() | tuple():
            return f"[{','.join(map(joined, value))}]"
    return msgspec.json.encode(value).decode()


def _split(value: Mapping[str, Any]) -> Members:
    return {name: msgspec.Raw(dump_escaped(member)) for name, member in value.items()}
