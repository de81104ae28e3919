"""Takes JSON objects apart and puts them together, each value as it was written.

msgspec does it, but for what has a lone surrogate in it, which is written as an escape.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from domain.strict_json import dump_escaped, parse_stored

Members = Mapping[str, msgspec.Raw]
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


def word(value: msgspec.Raw | None) -> str | None:
    """What a compact JSON value says, where it is a string that needs no escapes."""
    text = b"" if value is None else bytes(value)
    is_plain = text[:1] == b'"' and b"\\" not in text
    return text[1:-1].decode() if is_plain else None


def joined(members: Members) -> msgspec.Raw:
    """The object that has the members, also where a name has a lone surrogate in it."""
    pairs = (f"{dump_escaped(name)}:{bytes(value).decode()}" for name, value in members.items())
    return msgspec.Raw("{" + ",".join(pairs) + "}")


def _split(value: Mapping[str, Any]) -> Members:
    return {name: msgspec.Raw(dump_escaped(member)) for name, member in value.items()}
