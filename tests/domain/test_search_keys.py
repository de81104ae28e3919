"""What an index has of a text hides it from no query, and where keys decide, they are right."""

from hypothesis import assume, example, given
from hypothesis import strategies as st

from domain.search import SearchQuery
from domain.words import index_keys, words

WORDS = ("a", "at", "the", "that", "there", "x" * 64, "x" * 65, "é", "京", "東")
GAPS = (" ", "-", "")

parts = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(GAPS)), min_size=1, max_size=12)


@st.composite
def texts_and_queries(draw: st.DrawFn) -> tuple[str, str]:
    """A text, and some of its words, the last one perhaps cut, quoted or not."""
    said = ["".join(part) for part in draw(parts)]
    start = draw(st.integers(0, len(said) - 1))
    piece = "".join(said[start : start + draw(st.integers(1, 4))])
    cut = draw(st.integers(0, 2))
    return "".join(said), draw(st.sampled_from(("", '"'))) + (piece[:-cut] if cut else piece)


def has_keys(text: str, query: SearchQuery) -> bool:
    keys = index_keys(text)
    return all(
        any(key.startswith(asked) for key in keys) if is_prefix else asked in keys
        for asked, is_prefix in query.keys.items()
    )


@given(texts_and_queries())
@example(("a-that", "a-th"))
@example(("to become or not", "be or not to be"))
@example(("at thesis", '"at the"'))
@example(("a the", '"at he'))
@example(("x" * 65, f'"{"x" * 64}'))
@example(("東京東", '"京東京'))
def test_keys_hide_no_text_that_is_found(text_and_query: tuple[str, str]) -> None:
    text, asked = text_and_query
    assume(words(asked))
    query = SearchQuery(asked)
    if query.is_decided_by_keys:
        assert query.finds(text) == has_keys(text, query)
    else:
        assert not query.finds(text) or has_keys(text, query)
