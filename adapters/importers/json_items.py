"""Read JSON that is too large to be parsed at once: the items of an array, or values in a row."""

import codecs
import json
import math
from collections.abc import Iterator
from typing import Any

from adapters.importers.files import Stream
from domain.strict_json import Number

CHUNK_BYTES = 256 * 1024

ITEM_MAX = 64 * 1024 * 1024
"""Characters of one item, at most."""

_BETWEEN = " \t\r\n,"


class NotJson(ValueError):
    """What is read is not JSON. The message repeats nothing of it."""


def json_items(stream: Stream) -> Iterator[Any]:
    """Yield the items of each array, and each other value, that stands by itself in the stream.
    Numbers are as they are written; of members of one name the last counts. Raises NotJson."""
    text = _Text(stream)
    depth = 0
    while True:
        match text.next_character():
            case "":
                if depth:
                    raise NotJson("the file ends in the midst of an array: it was cut off")
                return
            case "[" if depth == 0:
                depth = 1
                text.pass_over(1)
            case "]" if depth == 1:
                depth = 0
                text.pass_over(1)
            case _:
                yield text.value()


class _Text:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._at = self._before = 0
        self._has_ended = False

    def next_character(self) -> str:
        """The first character that does not stand between values; nothing at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _BETWEEN:
                    return self._text[self._at]
                self._at += 1
            if not self._read_more(CHUNK_BYTES):
                return ""

    def pass_over(self, characters: int) -> None:
        self._at += characters

    def value(self) -> Any:  # noqa: ANN401 - JSON may hold anything
        while True:
            try:
                value, self._at = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                held = len(self._text) - self._at
                if held > ITEM_MAX:
                    raise NotJson(f"an item of more than {ITEM_MAX} characters") from None
                if not self._read_more(max(CHUNK_BYTES, held)):
                    place = self._before + error.pos
                    raise NotJson(f"it is not JSON at character {place}, or was cut off") from None
            except RecursionError:
                raise NotJson("an item is nested too deep") from None
            except ValueError:
                raise NotJson("a number has too many digits") from None
            else:
                return value

    def _read_more(self, size: int) -> bool:
        if self._has_ended:
            return False
        self._before += self._at
        raw = self._stream.read(size)
        self._has_ended = not raw
        try:
            more = self._decoder.decode(raw, final=self._has_ended)
        except UnicodeDecodeError:
            raise NotJson("it is not UTF-8") from None
        self._text, self._at = self._text[self._at :] + more, 0
        return True


def _real(digits: str) -> float | Number:
    number = float(digits)
    is_as_written = math.isfinite(number) and repr(number) == digits
    return number if is_as_written else Number(digits)


_DECODER = json.JSONDecoder(parse_float=_real, parse_constant=lambda _: None, strict=False)
