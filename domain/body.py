"""Messages as frameworks and model APIs have them: opaque JSON objects, and the text in them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from domain.errors import InvalidValue
from domain.json_object import JsonObject
from domain.metadata import check_json
from domain.strict_json import JsonValue, parse_stored

BODY_MAX = 4 * 1024 * 1024
"""Bytes of a body as compact UTF-8 JSON, however much an operator allows."""

BODY_MAX_DEFAULT = 256 * 1024

FORMAT = r"[a-z0-9][a-z0-9._/+-]{0,63}"
_FORMAT = re.compile(FORMAT)

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_DATA_URL = re.compile(r"data:[^,\s]*,", re.IGNORECASE)
"""What a URL with its resource in it begins with (RFC 2397 section 3)."""

_TEXT = frozenset(
    {
        "text",
        "content",
        "parts",
        "output",
        "input",
        "refusal",
        "transcript",
        "output_text",
        "title",
        "result",
        "errorText",
    }
)
"""The members whose strings people read."""

_HIDDEN = re.compile(
    r"(.*_)?(ids?|urls?|uris?|signatures?|usage|metadata|arguments|args|encrypted_content|"
    r"reasoning|thinking|thoughts?)(_.*)?",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_THOUGHT = re.compile(r"(?<![a-z])(reasoning|thinking|thoughts?)(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Body(JsonObject):
    """One message as its framework has it. Any string may be in it, NUL and lone surrogates too,
    which are kept as JSON escapes."""

    @classmethod
    def from_mapping(cls, value: Mapping[str, JsonValue]) -> "Body":
        """Raises InvalidValue for what is no JSON object, nests more than 100 levels, or has more
        than 4 MiB."""
        if not isinstance(value, Mapping):
            raise InvalidValue("must be an object")
        check_json(value, is_opaque=True)
        return cls._compact(value, BODY_MAX)

    @property
    def text(self) -> str:
        """What a person can read of it; empty where there is nothing."""
        return readable_text(parse_stored(self.json))


def check_format(label: str) -> str:
    """Return `label` if it is a label for the format of bodies. Raises InvalidValue."""
    if not _FORMAT.fullmatch(label):
        raise InvalidValue(
            "must be 1 to 64 of a-z, 0-9 and . _ / + -, and begin with a letter or a digit"
        )
    return label


def readable_text(item: JsonValue) -> str:
    """What a person can read of a message in any format, its pieces joined by line ends.

    Reasoning is left out, and so are ids, URLs, signatures, arguments and embedded data. What no
    storage keeps, NUL and lone surrogates, is dropped.
    """
    return "\n".join(_pieces(item, taken=False))


def _pieces(value: JsonValue, *, taken: bool) -> Iterator[str]:
    match value:
        case str():
            if taken and not _DATA_URL.match(value) and (kept := _UNSTORABLE.sub("", value)):
                yield kept
        case Mapping():
            if not _is_thought(value):
                for name, member in value.items():
                    yield from _member_pieces(name, member)
        case list() | tuple():
            for one in value:
                yield from _pieces(one, taken=taken)


def _member_pieces(name: str, member: JsonValue) -> Iterator[str]:
    if _HIDDEN.fullmatch(_CAMEL.sub("_", name)):
        return
    if name != "data" or isinstance(member, Mapping):
        yield from _pieces(member, taken=name in _TEXT)


def _is_thought(part: Mapping[str, JsonValue]) -> bool:
    kinds = (part.get("type"), part.get("content_type"))
    named = (_THOUGHT.search(_CAMEL.sub("_", kind)) for kind in kinds if isinstance(kind, str))
    return part.get("thought") is True or any(named)
