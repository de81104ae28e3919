"""What a search takes among many messages of others: `python -m tests.bench.search`.

People talk in words whose frequency falls as in a language (Zipf's law), the first hundred of them
English and the others made, 50 messages a session.
Searches are for a word of each frequency, beginnings, several words, a phrase, and what nobody
said; and for 2,000 phrases that were said. Printed are milliseconds by the clock,
of the storage alone, and the bytes that it takes.
"""

import argparse
import asyncio
import random
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import accumulate
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from uuid import UUID

from adapters.sql import SqlStorage
from adapters.sql.sqlite import SqliteDatabase
from adapters.system import Uuid7Identifiers
from application.ports.storage import Storage
from domain.common_words import BY_LANGUAGE
from domain.message import NewMessage, Role
from domain.owner import Owner
from domain.search import SearchQuery, SearchRequest
from domain.session import NewSession, Session
from domain.words import words
from tests.bench.turns import percentile
from tests.clock import START
from tests.contract.backends import postgresql
from tests.databases import empty_database, server

ME = Owner("https://issuer.example", "me")
EACH = 50
"""Messages of a session."""

WORDS = 50
"""Words of a message."""

ROUNDS = 40

PHRASES = 2000

_new_id = Uuid7Identifiers().new


class Talk:
    """Texts out of made words, the first of which are said most."""

    def __init__(self, vocabulary: int = 30_000) -> None:
        self._random = random.Random(1)  # noqa: S311 - the same each time
        letters = "etaoinshrdlucmfwypvbgkqjxz"
        common = words(BY_LANGUAGE["en"])
        made = {
            "".join(self._random.choices(letters[:14], k=self._random.randint(3, 9)))
            for _ in range(vocabulary)
        }
        self.words = [*common, *sorted(made - set(common), key=lambda word: (len(word), word))]
        self._weights = list(accumulate(1 / rank for rank in range(1, len(self.words) + 1)))

    def text(self) -> str:
        return " ".join(self._random.choices(self.words, cum_weights=self._weights, k=WORDS))


def conversations(owner: Owner, messages: int, talk: Talk) -> Iterator[tuple[Session, Any]]:
    for number in range(messages // EACH):
        said: Mapping[UUID, NewMessage] = {
            _new_id(): NewMessage(Role.USER, talk.text()) for _ in range(EACH)
        }
        at = START + timedelta(minutes=number)
        yield Session.started(_new_id(), owner, at, NewSession(f"number {number}"), said)


async def fill(storage: Storage, owner: Owner, messages: int, talk: Talk) -> None:
    for session, placed in conversations(owner, messages, talk):
        await storage.sessions.add(session, placed)


def queries(talk: Talk) -> Mapping[str, str]:
    words = talk.words
    phrase = " ".join(talk.text().split()[:2])
    return {
        "the most common word": f"{words[0]} ",
        "a common word": words[20],
        "a rare word": words[3000],
        "a very rare word": words[-5],
        "a beginning of one letter": words[3000][0],
        "a beginning of three letters": words[3000][:3],
        "two common words": f"{words[1]} {words[5]}",
        "a common and a rare word": f"{words[0]} {words[2000]}",
        "a phrase": f'"{phrase}"',
        "a phrase of common words": f'"{words[0]} {words[1]}"',
        "nothing": "nobodysaidthis",
    }


def phrases(own: int) -> Sequence[str]:
    """Return what stands side by side in one's own texts, the first that were said: two to five
    words each."""
    chance, talk = random.Random(2), Talk()  # noqa: S311 - the same each time
    said = chance.choices([talk.text().split() for _ in range(own)], k=PHRASES)
    starts = [(words, chance.randrange(WORDS - 5), chance.randint(2, 5)) for words in said]
    return [f'"{" ".join(words[start : start + count])}"' for words, start, count in starts]


async def milliseconds(storage: Storage, text: str) -> tuple[float, int | None]:
    request = SearchRequest(query=SearchQuery(text))
    began = perf_counter()
    page = await storage.index.search(ME, request)
    return (perf_counter() - began) * 1000, page.total


async def measured(
    storage: Storage, talk: Talk, said: Sequence[str]
) -> AsyncIterator[Sequence[str | float | None]]:
    """By the kind of search: the median, the 99th percentile and the most of its milliseconds, and
    its total."""
    for name, text in queries(talk).items():
        (_, total), *took = [await milliseconds(storage, text) for _ in range(ROUNDS)]
        yield name, *spread([one for one, _ in took]), total
    found = [await milliseconds(storage, text) for text in said]
    lost = sum(total == 0 for _, total in found)
    yield f"{len(said)} phrases that were said, {lost} lost", *spread([one for one, _ in found]), ""


def spread(took: Sequence[float]) -> Sequence[str]:
    return [f"{one:.2f}" for one in (median(took), percentile(took, 99), max(took))]


@asynccontextmanager
async def opened(database: str, folder: Path) -> Any:
    if database == "sqlite":
        storage = SqlStorage(SqliteDatabase(folder / "chat.db"))
    else:
        storage = postgresql(empty_database("plain"))
    await storage.open()
    yield storage
    await storage.close()


def size(database: str, folder: Path) -> int:
    """Bytes on disk."""
    if database == "sqlite":
        return sum(file.stat().st_size for file in folder.iterdir())
    return int(server().execute("SELECT pg_database_size('plain')", "plain").split()[-1])


async def main(asked: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, talk, said = Path(name), Talk(), phrases(asked.own)
        async with opened(asked.database, folder) as storage:
            await fill(storage, ME, asked.own, talk)
            for part in (1, 9):
                for number in range(10):
                    other = Owner(ME.issuer, f"other {part} {number}")
                    await fill(storage, other, asked.others * part // 100, talk)
                if asked.database == "postgresql":
                    server().execute("VACUUM ANALYZE", "plain")
                others = asked.others // 10 if part == 1 else asked.others
                print(f"\n{asked.own} messages of one's own, {others} of others:\n")
                print("| search | median ms | p99 ms | most ms | total |\n|---|---|---|---|---|")
                async for row in measured(storage, talk, said):
                    print("|", " | ".join(map(str, row)), "|", flush=True)
        print(f"\n{size(asked.database, folder) / (asked.own + asked.others):.0f} bytes a message")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.search", description=__doc__)
    parser.add_argument("database", choices=["sqlite", "postgresql"])
    parser.add_argument("--own", type=int, default=100_000)
    parser.add_argument("--others", type=int, default=900_000)
    asyncio.run(main(parser.parse_args()))
