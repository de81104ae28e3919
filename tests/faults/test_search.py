"""Whatever was said is found, by whoever said it."""

from itertools import cycle, islice, product
from random import Random

from domain.owner import Owner
from domain.search import SearchQuery, SearchRequest
from tests.conftest import Sized
from tests.contract.examples import new_owner, stored_session
from tests.faults.databases import Database
from tests.tally import Tally

SCRIPTS = {
    "Latin": ("aàbcčdeéęfghiïjklłmnñoöøpqrsštuüvwxyzž", " "),
    "Cyrillic": ("абвгдеёжзийклмнопрстуфхцчшщъыьэюяїєґ", " "),
    "Greek": ("αάβγδεέζηήθιίκλμνξοόπρστυύφχψωώ", " "),
    "Arabic": ("ابتثجحخدذرزسشصضطظعغفقكلمنهوي", " "),
    "Hebrew": ("אבגדהוזחטיכלמנסעפצקרשת", " "),
    "Devanagari": ("कखगघचछजझटठडढणतथदधनपफबभमयरलवशषसह", " "),
    "Han": ("".join(map(chr, range(0x4E00, 0x5200))), ""),
    "Thai": ("กขคฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรลวศษสหฬอฮ", ""),
    "kana": ("".join(map(chr, range(0x3041, 0x3097))), ""),
    "Hangul": ("".join(map(chr, range(0xAC00, 0xB000))), " "),
}
WORDS = 40
"""Words of a message."""

EACH = 25
"""Messages of a session."""


def phrase(random: Random, script: str) -> str:
    letters, space = SCRIPTS[script]
    return space.join("".join(random.choices(letters, k=random.randint(4, 8))) for _ in range(3))


def talk(random: Random, script: str) -> list[str]:
    letters, _ = SCRIPTS[script]
    return ["".join(random.choices(letters, k=random.randint(1, 7))) for _ in range(WORDS)]


def planted(random: Random, script: str, what: str) -> str:
    words = talk(random, script)
    words.insert(random.randrange(WORDS), what)
    return SCRIPTS[script][1].join(words)


async def test_every_planted_phrase_is_found_and_nothing_of_anothers(
    database: Database, sized: Sized, tally: Tally
) -> None:
    random = Random(7)  # noqa: S311 - the same each time
    storage, owners = database.storage(), (new_owner(), new_owner())
    await storage.open()
    said: dict[str, tuple[Owner, str]] = {}
    for number in range(sized(8, 160)):
        phrases = {phrase(random, script): script for script in islice(cycle(SCRIPTS), EACH)}
        texts = {what: planted(random, script, what) for what, script in phrases.items()}
        owner = owners[number % 2]
        await stored_session(storage, owner, *texts.values())
        said |= {what: (owner, text) for what, text in texts.items()}
    wrong = []
    for (what, (owner, text)), who in product(said.items(), owners):
        expected = [text] if who == owner else []
        for query in (f'"{what}"', what, what.upper()):
            page = await storage.index.search(who, SearchRequest(query=SearchQuery(query)))
            if [hit.text for hit in page.items] != expected or page.total != len(expected):
                wrong.append(query)
    await storage.close()
    figure = f"{database.name}: searches that found anything else"
    tally.none("P15", figure, wrong, of=len(said) * 6)
