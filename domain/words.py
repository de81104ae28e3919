"""Which words a text has, so that a search finds them in any case, with or without accents.

Languages that put no spaces between words have a word a character. A combining mark belongs to the
character before it (Unicode Standard Annex 29).
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

from domain.common_words import BY_LANGUAGE

KEY_MAX = 64
"""Characters of a word that an index has; what is longer is found by its beginning."""

PIECE = 5000
_SHARED = 500
"""Characters of a piece of a long text, about, and how many of them its neighbour has too."""

_PAIR = "\N{MIDDLE DOT}"
"""What the key of a pair begins with, and no word, so that no beginning of a word finds it."""

_UNSPACED = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Tibetan, Burmese, Khmer
    "\u2600-\u27bf\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff"  # pictures and flags
    "\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\ua4cf\uac00-\ud7a3\uf900-\ufaff"
    "\U00020000-\U0003ffff"  # Japanese, Chinese, Korean
)

_FIRST_PLANE = range(0x10000)
_SECOND_PLANE = range(0x10000, 0x20000)
"""Beyond it are only characters of languages without spaces."""

_UNSEEN = "\u00ad\u200b-\u200f\u2060\ufeff"
"""What shows nothing within a word, or where it may be broken."""

_ACCENTS = re.compile(
    f"[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0640{_UNSEEN}]+"
)
"""What may be left out, in Latin, Greek, Cyrillic, Hebrew and Arabic too."""

_UNDECOMPOSED = str.maketrans(
    {
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ħ": "h",
        "æ": "ae",
        "œ": "oe",
        "ð": "d",
        "þ": "th",
    }
)
"""Letters whose stroke or dot is no mark of its own in Unicode."""

_ASCII_WORD = re.compile(r"[^\W_]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Word:
    """A word's form for comparing, and where it is in its text."""

    form: str
    start: int
    stop: int


def words(text: str) -> list[str]:
    """Return the forms of a text's words, in order."""
    folded = fold(text)
    return (_ASCII_WORD if folded.isascii() else _word()).findall(folded)


def placed_words(text: str) -> list[Word]:
    """Return a text's words, in order, with their places in it."""
    if text.isascii():
        found = _ASCII_WORD.finditer(text.lower())
        return [Word(one[0], one.start(), one.end()) for one in found]
    clusters = [(one.start(), fold(one[0])) for one in _cluster().finditer(text)]
    starts = [start for start, form in clusters for _ in form] + [len(text)]
    ends = [*starts[1:], len(text)]
    for place in range(len(ends) - 1, 0, -1):  # a cluster may have become several characters
        if ends[place - 1] == starts[place - 1]:
            ends[place - 1] = ends[place]
    joined = "".join(form for _, form in clusters)
    return [
        Word(one[0], starts[one.start()], ends[one.end() - 1]) for one in _word().finditer(joined)
    ]


@lru_cache(maxsize=20_000)
def is_unspaced(word: str) -> bool:
    """Whether it is a character of a language that puts no spaces between words."""
    return not word.isascii() and _unspaced().match(word) is not None


def pieces(text: str, size: int = PIECE) -> Iterator[str]:
    """Return a text in pieces, of which each is looked through in a few milliseconds. They end
    between words where there is a gap, and share their edges, so that what stands together is
    whole in one of them."""
    start = 0
    while len(text) - start > size:
        stop = _gap(text, start + size)
        yield text[start:stop]
        start = _gap(text, stop - _SHARED)
    yield text[start:]


def _gap(text: str, place: int) -> int:
    """Return where the last gap before a place ends, if one is near, or else the place."""
    space = max(text.rfind(gap, place - _SHARED // 2, place) for gap in " \n")
    return place if space < 0 else space + 1


def index_keys(text: str) -> set[str]:
    """Return what an index has of a text: its words, and its pairs of common ones."""
    keys: set[str] = set()
    for piece in pieces(text):
        found = words(piece)
        keys.update(word[:KEY_MAX] for word in found)
        keys.update(key for _, key in pairs(found))
    return keys


def pairs(found: Sequence[str]) -> list[tuple[int, str]]:
    """Return which words an index has as one with the next: the place of each, and the key. They
    are those of which thousands of texts have both, and few have them side by side."""
    common = _common()
    often = [word in common or is_unspaced(word) for word in found]
    return [
        (place, f"{_PAIR}{len(one)}{one}{other}")
        for place, (one, other) in enumerate(pairwise(found))
        if often[place] and often[place + 1]
    ]


@cache
def _common() -> frozenset[str]:
    return frozenset(words(" ".join(BY_LANGUAGE.values())))


def fold(text: str) -> str:
    """Return a text in the form in which words are compared."""
    if text.isascii():
        return text.lower()
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return unicodedata.normalize("NFKC", bare.casefold().translate(_UNDECOMPOSED))


@cache
def _unspaced() -> re.Pattern[str]:
    return re.compile(f"[{_UNSPACED}]")


@cache
def _word() -> re.Pattern[str]:
    letters, marks = _ranges(_is_letter, _FIRST_PLANE), _ranges(_is_mark, _FIRST_PLANE)
    rarer = _ranges(lambda one: _is_letter(one) or _is_mark(one), _SECOND_PLANE)
    return re.compile(f"[{letters}][{letters}{marks}]*|[{_UNSPACED}]|[{rarer}]+")


@cache
def _cluster() -> re.Pattern[str]:
    marks = _ranges(_is_mark, _FIRST_PLANE)
    return re.compile(f".[{marks}{_UNSEEN}\u1160-\u11ff\uff9e\uff9f]*", re.DOTALL)


def _is_letter(character: str) -> bool:
    return character.isalnum() and not is_unspaced(character)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M" and not is_unspaced(character)


def _ranges(is_in: Callable[[str], bool], plane: range) -> str:
    r"""Return the characters of a plane that are in, as a class of a regular expression has them. A
    class that is written by \W, or with what lies outside the first plane, takes five times as
    long to look up."""
    chosen = [code for code in plane if is_in(chr(code))]
    starts = [
        code for code, before in zip(chosen, [-1, *chosen], strict=False) if code - before > 1
    ]
    ends = [
        code for code, after in zip(chosen, [*chosen[1:], -1], strict=True) if after - code != 1
    ]
    return "".join(f"\\U{start:08x}-\\U{end:08x}" for start, end in zip(starts, ends, strict=True))
