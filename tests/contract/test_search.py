"""What SearchIndex promises, on every storage."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import uuid4

import pytest

from application.ports.storage import Storage
from domain.errors import InvalidValue, SessionNotFound
from domain.message import LAST, NewMessage, Role
from domain.owner import Owner
from domain.search import Place, SearchPage, SearchQuery, SearchRequest
from domain.session import NewSession, Session, SessionPatch
from tests.clock import START
from tests.contract.examples import (
    appended,
    new_messages,
    new_owner,
    new_session,
    started,
    stored_session,
)

LATER = START + timedelta(seconds=9)


def asked(text: str, **more: object) -> SearchRequest:
    return SearchRequest(query=SearchQuery(text), **more)  # type: ignore[arg-type]


async def searched(storage: Storage, owner: Owner, text: str, **more: object) -> SearchPage:
    return await storage.index.search(owner, asked(text, **more))


async def found(storage: Storage, owner: Owner, text: str) -> list[str]:
    """The texts that are found, and the total that goes with them."""
    page = await searched(storage, owner, text)
    assert page.total == len(page.items)
    return [hit.text for hit in page.items]


TEXTS = {
    "en": "The quick brown fox jumps over the lazy dog",
    "de": "Der Käse schmeckt gut, sagte Frau Strauß",
    "pl": "Łódź to piękne miasto",
    "ru": "Привет, как твои дела?",
    "el": "Τη γλώσσα μου έδωσαν ελληνική",
    "ar": "مَرْحَبًا بِالعَالَم",
    "hi": "नमस्ते दुनिया, हिन्दी में",
    "zh": "我们今天去北京看天安门广场",
    "ja": "東京タワーはどこですか",
    "ko": "학교에서 만나요",
    "th": "สวัสดีครับ ผมชื่อสมชาย",
    "parted": "inter\u00adnational Flug 🇫🇷, ㄅㄆㄇ",
    "twice": "piano no no " + "a" * 70,
    "code": "call user_id = foo.bar(3.14) -- don't",
}

LOOK_UPS = [
    ("en", "fox quick"),
    ("en", "LAZY do"),
    ("en", '"lazy dog"'),
    ("en", '"brown fox" over'),
    ("de", "kase"),
    ("de", "KÄSE gut"),
    ("de", "strauss"),
    ("de", "ka\u0308se"),
    ("pl", "lodz"),
    ("ru", "ПРИВЕТ дел"),
    ("el", "ΓΛΩΣΣΑ"),
    ("ar", "مرحبا"),
    ("hi", "दुनिया"),
    ("zh", "北京"),
    ("zh", "天安门"),
    ("zh", "京 今天"),
    ("ja", "タワー"),
    ("ja", "東"),
    ("ko", "학교"),
    ("th", "ครับ"),
    ("th", "ชื่อสม"),
    ("twice", '"no no"'),
    ("twice", "a" * 64),
    ("parted", "international"),
    ("parted", "🇫🇷"),
    ("parted", "ㄆㄇ"),
    ("code", "user_id"),
    ("code", "don\N{RIGHT SINGLE QUOTATION MARK}t"),
    ("code", "3.14"),
]

NOT_FOUND = [
    ("en", "fox cat"),
    ("en", "ox"),
    ("en", '"fox brown"'),
    ("en", "do lazy"),
    ("en", '"lazy do"'),
    ("twice", '"' + "a" * 64 + '"'),
    ("zh", "京北"),
    ("th", "ชอบ"),
    ("en", "laz laz"),
]


@pytest.fixture
async def told(shared_storage: Storage) -> Mapping[str, Owner]:
    """Owners, each with one of the texts, in a session of that title's first word."""
    owners = {name: new_owner() for name in TEXTS}
    for name, owner in owners.items():
        await stored_session(shared_storage, owner, TEXTS[name])
    return owners


@pytest.mark.parametrize(("name", "query"), LOOK_UPS)
async def test_a_text_is_found_by_its_words(shared_storage: Storage, name: str, query: str) -> None:
    owner = new_owner()
    await stored_session(shared_storage, owner, TEXTS[name], "something else")
    assert await found(shared_storage, owner, query) == [TEXTS[name]]


@pytest.mark.parametrize(("name", "query"), NOT_FOUND)
async def test_a_text_without_one_of_the_words_is_not_found(
    shared_storage: Storage, name: str, query: str
) -> None:
    owner = new_owner()
    await stored_session(shared_storage, owner, TEXTS[name])
    assert await found(shared_storage, owner, query) == []


@pytest.mark.parametrize("query", ["", "  ", "...", '""', "a " * 33, "x" * 501])
def test_a_query_has_words_and_not_too_many(query: str) -> None:
    with pytest.raises(InvalidValue):
        SearchQuery(query)


async def test_titles_are_found_as_messages_are(shared_storage: Storage) -> None:
    owner = new_owner()
    session, placed = started(owner, new_messages("about cats"), title="Cats and dogs")
    await shared_storage.sessions.add(session, placed)
    page = await searched(shared_storage, owner, "cats")
    assert [(hit.message_order, hit.role, hit.title) for hit in page.items] == [
        (1, Role.USER, "Cats and dogs"),
        (None, None, "Cats and dogs"),
    ]


async def test_nothing_of_others_is_found(shared_storage: Storage) -> None:
    owner, other = new_owner(), new_owner()
    session, placed = started(other, new_messages("a secret word"), title="secret")
    await shared_storage.sessions.add(session, placed)
    assert await found(shared_storage, owner, "secret") == []
    with pytest.raises(SessionNotFound):
        await shared_storage.index.search(owner, asked("secret"), session.id)
    with pytest.raises(SessionNotFound):
        await shared_storage.index.search(owner, asked("secret"), uuid4())


async def test_what_changes_is_found_as_it_is(shared_storage: Storage) -> None:
    storage, owner = shared_storage, new_owner()
    session = await stored_session(storage, owner, "first apple", "second apple")
    await appended(storage, session, new_messages("third apple"))
    assert len(await found(storage, owner, "apple")) == 3
    await storage.messages.replace(owner, session.id, 1, NewMessage(Role.USER, "first pear"), LATER)
    assert await found(storage, owner, "apple") == ["third apple", "second apple"]
    assert await found(storage, owner, "pear") == ["first pear"]
    await storage.messages.remove(owner, session.id, LAST, LATER)
    assert await found(storage, owner, "apple") == ["second apple"]
    await storage.messages.clear(owner, session.id, 2, LATER)
    assert await found(storage, owner, "pear") == []
    await storage.sessions.remove(owner, session.id)
    assert await found(storage, owner, "apple") == []


async def test_a_title_is_found_as_it_is(shared_storage: Storage) -> None:
    storage, owner = shared_storage, new_owner()
    session = new_session(owner, title="old name")
    await storage.sessions.add(session, ())

    async def renamed(title: str | None) -> None:
        patch = SessionPatch(title=title)
        await storage.sessions.update(owner, session.id, lambda one: one.updated(patch, LATER))

    await renamed("new name")
    assert await found(storage, owner, "old") == []
    assert await found(storage, owner, "new") == ["new name"]
    await renamed(None)
    assert await found(storage, owner, "name") == []


async def test_removed_text_is_forgotten_by_the_index_itself(shared_storage: Storage) -> None:
    storage, owner = shared_storage, new_owner()
    session = await stored_session(storage, owner, *["lemon"] * 30)
    await storage.messages.clear(owner, session.id, None, LATER)
    while await storage.tend_index():
        pass
    assert await found(storage, owner, "lemon") == []
    await appended(storage, session, new_messages("lemon again"))
    assert await found(storage, owner, "lemon") == ["lemon again"]


async def test_changes_at_once_leave_the_index_as_what_is_stored(storage: Storage) -> None:
    """Also of a text that was stored, and replaced or removed, by writes that share a commit."""
    owner = new_owner()
    session = await stored_session(storage, owner)

    async def rename(title: str) -> None:
        patch = SessionPatch(title=title)
        await storage.sessions.update(owner, session.id, lambda one: one.updated(patch, LATER))

    for turn in range(3):
        renames = [rename(f"quince {turn} {number}") for number in range(6)]
        append = appended(storage, session, new_messages(*["quince"] * 3))
        await asyncio.gather(*renames, append, storage.tend_index())
        await storage.messages.clear(owner, session.id, None, LATER)
    while await storage.tend_index():
        pass
    title = (await storage.sessions.get(owner, session.id)).title
    assert await found(storage, owner, "quince") == [title]
    await rename("nothing")
    while await storage.tend_index():
        pass
    assert await found(storage, owner, "quince") == []
    await rename("quince again")
    assert await found(storage, owner, "quince") == ["quince again"]


async def test_an_index_made_anew_finds_the_same(storage: Storage) -> None:
    owner = new_owner()
    for place in range(3):
        session, placed = started(owner, new_messages("melon", f"number {place}"), title="melons")
        await storage.sessions.add(session, placed)
    before = await searched(storage, owner, "melon")
    await storage.rebuild_index()
    assert await searched(storage, owner, "melon") == before
    assert before.total == 6


async def test_hits_come_newest_first_page_by_page(shared_storage: Storage) -> None:
    """Also across sessions, and of more than are counted."""
    storage, owner = shared_storage, new_owner()
    for number in range(12):
        messages = {
            uuid4(): NewMessage(Role.USER, f"common word 世界 {number}-{one}") for one in range(100)
        }
        start = START + timedelta(seconds=number % 5)
        session, placed = Session.started(uuid4(), owner, start, _titled(number), messages)
        await storage.sessions.add(session, placed)
    for query in ("common", '"common word"', "世界"):
        places: list[Place] = []
        after = None
        while True:
            page = await searched(storage, owner, query, limit=50, after=after)
            assert page.total is None
            places += [hit.place for hit in page.items]
            after = page.following
            if after is None:
                break
        assert len(places) == 1204
        assert places == sorted(set(places), reverse=True)


def _titled(number: int) -> NewSession:
    return NewSession("common word 世界" if number % 3 == 0 else None)


async def test_totals_are_exact_up_to_a_thousand(shared_storage: Storage) -> None:
    storage, owner = shared_storage, new_owner()
    session = await stored_session(storage, owner, *["plum"] * 100)
    for _ in range(9):
        await appended(storage, session, new_messages(*["plum"] * 100))
    assert (await searched(storage, owner, "plum", limit=1)).total == 1000
    await appended(storage, session, new_messages("plum"))
    assert (await searched(storage, owner, "plum", limit=1)).total is None
    other = await stored_session(storage, owner, "plum and cherry")
    of_other = await storage.index.search(owner, asked("plum"), other.id)
    assert (of_other.total, [hit.session_id for hit in of_other.items]) == (1, [other.id])


async def test_long_texts_are_found_by_every_word(shared_storage: Storage) -> None:
    """Also by those of which an index has only the beginning, or which it has not at all."""
    storage, owner = shared_storage, new_owner()
    words = " ".join(f"w{number:x}q{number % 97}" for number in range(40_000))
    text = words[:270_000] + " last " + "z" * 3000
    await stored_session(storage, owner, text)
    for query in ("w1q1", "last", "last zzzz", "z" * 100, text[269_000:269_300].split()[5]):
        assert [hit.message_order for hit in (await searched(storage, owner, query)).items] == [1]
    assert await found(storage, owner, "nothing") == []


def shown(query: str, text: str) -> Sequence[str]:
    return [
        f"[{part.text}]" if part.is_match else part.text
        for part in SearchQuery(query).snippet(text)
    ]


@pytest.mark.parametrize(
    ("query", "text", "snippet"),
    [
        ("fox", "The Fox runs", ["The ", "[Fox]", " runs"]),
        ("run", "The Fox runs", ["The Fox ", "[runs]"]),
        ('"fox runs"', "The Fox runs. fox", ["The ", "[Fox runs]", ". fox"]),
        ("世界", "你好世界", ["你好", "[世界]"]),
        ("kase", "ein Ka\u0308se", ["ein ", "[Ka\u0308se]"]),
        ("b", "<b>&", ["<", "[b]", ">&"]),
    ],
)
def test_a_snippet_marks_what_was_found(query: str, text: str, snippet: list[str]) -> None:
    assert shown(query, text) == snippet


def test_a_snippet_is_a_piece_of_the_text_around_the_first_match() -> None:
    text = "before " * 200 + "match " + "after " * 200
    parts = SearchQuery("match").snippet(text)
    joined = "".join(part.text for part in parts)
    assert joined in text
    assert len(joined) <= 240
    assert any(part.is_match and part.text == "match" for part in parts)
