import unicodedata

from domain.errors import InvalidValue

_BLANK_CATEGORIES = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2065\u2800\u3164\uffa0")
"""Letters and marks that show nothing: of Unicode's Default_Ignorable_Code_Point, and the empty
Braille pattern."""

_IGNORABLE = (
    range(0x180B, 0x1810),
    range(0xFE00, 0xFE10),
    range(0xFFF0, 0xFFF9),
    range(0xE0100, 0xE01F0),
)
"""Variation selectors, and places that Unicode keeps for what shows nothing."""


def any_string(text: object) -> str:
    """Return `text` if it is a string, whatever is in it; else raise InvalidValue."""
    if not isinstance(text, str):
        raise InvalidValue("must be a string")
    return text


def storable(text: str) -> str:
    """Return `text` if every backend keeps it byte for byte; else raise InvalidValue.

    NUL cannot be kept by PostgreSQL, a lone surrogate has no UTF-8 form (RFC 3629 section 3).
    """
    if "\0" in any_string(text):
        raise InvalidValue("must not contain NUL")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidValue("must not contain a lone surrogate") from None
    return text


def printable(text: str, length_max: int) -> str:
    """Return `text` if it has 1 to `length_max` printable characters, so no control or format
    characters, and no space at its ends; else raise InvalidValue."""
    if not 1 <= len(any_string(text)) <= length_max:
        raise InvalidValue(f"must have 1 to {length_max} characters")
    if not text.isprintable() or text != text.strip():
        raise InvalidValue("must be printable, with no space at its ends")
    return text


def is_blank(text: str) -> bool:
    """Whether a person sees nothing in it: white space, control and format characters, fillers."""
    return all(
        unicodedata.category(character) in _BLANK_CATEGORIES
        or character in _FILLERS
        or any(ord(character) in places for places in _IGNORABLE)
        for character in text
    )
