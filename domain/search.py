import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.errors import InvalidValue, in_field
from domain.message import Message, Role
from domain.session import Session
from domain.text import storable
from domain.words import (
    KEY_MAX,
    PIECE,
    Word,
    fold,
    is_unspaced,
    pairs,
    pieces,
    placed_words,
    words,
)

QUERY_MAX = 500
"""Characters of what is looked for."""

WORDS_MAX = 32
"""Words in what is looked for."""

SEARCH_LIMIT_MAX = 50
SEARCH_LIMIT_DEFAULT = 50

TOTAL_MAX = 1000
"""Hits that are counted; of more only that there are more is known."""

SNIPPET_LENGTH = 240
_SNIPPET_LEAD = 60
"""Characters of a snippet, about, and how many of them come before the first match."""

_TERM = re.compile(r'"([^"]*)(?:"|$)|[^\s"]+')


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that must stand side by side, the last of them perhaps as the beginning of one."""

    words: tuple[str, ...]
    is_prefix: bool = False
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)
    """What finds it in a folded text of ASCII, and where it ends another word too. It begins with
    letters alone, which is found soonest."""

    def __post_init__(self) -> None:
        end = "" if self.is_prefix else r"(?![^\W_])"
        pattern = re.compile(r"[\W_]+".join(self.words) + end, re.ASCII)
        object.__setattr__(self, "_pattern", pattern)

    def stands_in(self, folded: str) -> bool:
        """Whether a folded text of ASCII has it: a tenth of what to find the text's words takes."""
        start = -1
        while found := self._pattern.search(folded, start + 1):  # they may overlap
            start = found.start()
            if not start or not folded[start - 1].isalnum():
                return True
        return False

    def starts(self, text: Sequence[str]) -> Iterator[int]:
        """Where it stands among the words of a text."""
        *whole, last = self.words
        size = len(self.words)
        for place in range(len(text) - size + 1):
            end = text[place + size - 1]
            if (end == last or (self.is_prefix and end.startswith(last))) and (
                size == 1 or text[place : place + size - 1] == whole
            ):
                yield place

    @property
    def keys(self) -> Iterator[tuple[str, bool]]:
        """What an index must have of a text with the phrase: keys, and whether each is only the
        beginning of one."""
        paired = self._pairs
        yield from ((key, False) for key in paired.values())
        last = len(self.words) - 1
        for place, word in enumerate(self.words):
            if place not in paired and place - 1 not in paired:
                yield word[:KEY_MAX], self.is_prefix and place == last and not is_unspaced(word)

    @property
    def _pairs(self) -> Mapping[int, str]:
        """By their places, the words that are one key with the next: not with the beginning of a
        word, which may be that of a rare one."""
        found = dict(pairs(self.words))
        if self.is_prefix and not is_unspaced(self.words[-1]):
            found.pop(len(self.words) - 2, None)
        return found

    @property
    def is_decided_by_keys(self) -> bool:
        """Whether each text with its keys has the phrase."""
        if len(self.words) == 1:
            return len(self.words[0]) < KEY_MAX  # a key may be a longer word's
        return len(self.words) == 2 and bool(self._pairs)  # noqa: PLR2004 - a pair


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text, and whether it is what was looked for."""

    text: str
    is_match: bool


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What is looked for: each word of `text`, in any order, case and accents, the last one as a
    beginning, and what stands in quotation marks as it stands there.

    Raises InvalidValue for more than 500 characters or 32 words, or no word at all.
    """

    text: str
    phrases: tuple[Phrase, ...] = ()

    def __post_init__(self) -> None:
        with in_field("q"):
            storable(self.text)
        if len(self.text) > QUERY_MAX:
            raise InvalidValue(f"must have at most {QUERY_MAX} characters", "q")
        phrases = tuple(_phrases(self.text))
        count = sum(len(phrase.words) for phrase in phrases)
        if not phrases:
            raise InvalidValue("must have a word to look for", "q")
        if count > WORDS_MAX:
            raise InvalidValue(f"must have at most {WORDS_MAX} words", "q")
        object.__setattr__(self, "phrases", phrases)

    @property
    def keys(self) -> Mapping[str, bool]:
        """What an index must have of a text that is found: keys, and whether each is only the
        beginning of one, which one that is asked for whole is not."""
        asked = sorted({key for phrase in self.phrases for key in phrase.keys}, reverse=True)
        return dict(asked)

    @property
    def is_decided_by_keys(self) -> bool:
        """Whether each text with its keys is found."""
        return all(phrase.is_decided_by_keys for phrase in self.phrases)

    def finds(self, text: str) -> bool:
        missing: Sequence[Phrase] = self.phrases
        for piece in pieces(text):
            missing = _missing(piece, missing)
            if not missing:
                return True
        return False

    def snippet(self, text: str) -> tuple[Part, ...]:
        """Return the piece of a text around the first match, as it stands there, in parts."""
        for size in (PIECE, 1500):  # to place words takes long
            parts = pieces(text, size)
            text = next((one for one in parts if self._touches(one)), text[:size])
        found = placed_words(text)
        forms = [word.form for word in found]
        matches = [
            (found[start].start, found[start + len(phrase.words) - 1].stop)
            for phrase in self.phrases
            for start in phrase.starts(forms)
        ]
        spans = _joined(sorted(matches))
        first = spans[0][0] if spans else 0
        start = _at_word(found, max(0, first - _SNIPPET_LEAD))
        return tuple(_parts(text, spans, start, min(len(text), start + SNIPPET_LENGTH)))

    def _touches(self, text: str) -> bool:
        """Whether the text has one of the phrases."""
        return len(_missing(text, self.phrases)) < len(self.phrases)


def _missing(text: str, phrases: Sequence[Phrase]) -> Sequence[Phrase]:
    """Return those of the phrases that the text lacks."""
    folded = fold(text)
    if folded.isascii():
        return [phrase for phrase in phrases if not phrase.stands_in(folded)]
    found = words(text)
    return [phrase for phrase in phrases if not any(True for _ in phrase.starts(found))]


def _phrases(text: str) -> Iterator[Phrase]:
    terms = [
        (found, term[1] is not None)
        for term in _TERM.finditer(text)
        if (found := tuple(words(term[1] or term[0])))
    ]
    for place, (found, is_quoted) in enumerate(terms, start=1):
        yield Phrase(found, is_prefix=place == len(terms) and not is_quoted)


def _joined(matches: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return where the matches are, those that meet as one."""
    spans: list[tuple[int, int]] = []
    for start, stop in matches:
        if spans and start <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(stop, spans[-1][1])
        else:
            spans.append((start, stop))
    return spans


def _at_word(found: Sequence[Word], place: int) -> int:
    """Return where the first word from the place on begins, or the beginning of the text."""
    if place == 0:
        return 0
    return next((word.start for word in found if word.start >= place), place)


def _parts(text: str, spans: Sequence[tuple[int, int]], start: int, stop: int) -> Iterator[Part]:
    place = start
    for first, last in spans:
        if first >= stop:
            break
        if first > place:
            yield Part(text[place:first], is_match=False)
        yield Part(text[first : min(last, stop)], is_match=True)
        place = min(last, stop)
    if place < stop:
        yield Part(text[place:stop], is_match=False)


Place = tuple[datetime, UUID, int]
"""What hits are sorted by: a time, the session's id, and the message's order or 0."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that has what was looked for or, without a message_order, a session whose title
    has it. `said_at` is the message's time, or when the session was created."""

    session_id: UUID
    title: str | None
    message_order: int | None
    role: Role | None
    said_at: datetime
    text: str

    @property
    def place(self) -> Place:
        return self.said_at, self.session_id, self.message_order or 0


def hits_of(session: Session, messages: Iterable[Message]) -> Iterator[Hit]:
    """Return each text of a session that may be found."""
    if session.title is not None:
        yield Hit(session.id, session.title, None, None, session.created_at, session.title)
    for one in messages:
        order = one.message_order
        yield Hit(session.id, session.title, order, one.role, one.timestamp, one.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """`limit` hits, 1-50, the newest first, those older than the place `after`, if there is one.
    Raises InvalidValue."""

    query: SearchQuery
    limit: int = SEARCH_LIMIT_DEFAULT
    after: Place | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= SEARCH_LIMIT_MAX:
            raise InvalidValue(f"must be 1 to {SEARCH_LIMIT_MAX}", "limit")

    def page_of(self, texts: Iterable[Hit]) -> "SearchPage":
        """The page, for a storage that has every text at hand."""
        hits = (hit for hit in texts if self.query.finds(hit.text))
        ordered = sorted(hits, key=lambda hit: hit.place, reverse=True)
        older = [hit for hit in ordered if self.after is None or hit.place < self.after]
        items = older[: self.limit]
        following = items[-1].place if len(older) > self.limit else None
        return SearchPage(tuple(items), known_total(len(ordered)), following)


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Some of `total` hits; None for more than 1,000."""

    items: Sequence[Hit]
    total: int | None
    following: Place | None
    """After which the next page's hits come, if there are more."""


def known_total(count: int) -> int | None:
    """Return how many hits there are, None for more than are counted."""
    return count if count <= TOTAL_MAX else None
