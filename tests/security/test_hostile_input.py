"""Input that is hostile: both databases store it byte for byte, or refuse it alike."""

import gzip
import json
import re
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest

from domain.session import TITLE_MAX
from tests.conftest import Sized
from tests.routes import ROUTES, requests
from tests.security.twins import Twins, twins

PART = 80_000
SURROGATES = range(0xD800, 0xE000)


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Twins]:
    async with twins(tmp_path) as made:
        yield made
        assert not made.unlike
        assert not made.faults


async def new_session(both: Twins) -> str:
    session_id: str = (await both.send("/sessions", "{}")).json()["id"]
    return session_id


def every_character() -> Iterator[str]:
    """All Unicode scalar values but NUL, in texts that fit a body with each of them escaped."""
    text = "".join(chr(code) for code in range(1, sys.maxunicode + 1) if code not in SURROGATES)
    for start in range(0, len(text), PART):
        yield text[start : start + PART]


async def test_every_character_is_given_back_as_it_came(both: Twins) -> None:
    """Of all planes, noncharacters and private ones too."""
    path = f"/sessions/{await new_session(both)}/messages"
    texts = list(every_character())
    assert sum(map(len, texts)) == 0x110000 - len(SURROGATES) - 1
    for number, text in enumerate(texts):
        said = {"messages": [{"role": "user", "content": text}]}
        await both.send(path, json.dumps(said, ensure_ascii=bool(number % 2)))
        read = await both.ask_as("alice", "GET", f"{path}?after={number}")
        assert read.json()["items"][0]["content"] == text


TEXTS = {
    "composed": normalize("NFC", "Å é ﬁ 가"),
    "decomposed": normalize("NFD", "Å é ﬁ 가"),
    "compatible": "ﬁ ① \uff21 ㎏ ﷺ",
    "combining alone": "\u0301\u0308",
    "many combining": "a" + "\u0301" * 150,
    "right to left": "שלום عليكم",
    "changes of direction": "a\u202eb\u202cc\u2066d\u2069",
    "a family": "👨\u200d👩\u200d👧\u200d👦🏽",
    "a flag of letters": "🇩🇪🏴\U000e0067\U000e0062\U000e007f",
    "zero width": "a\u200bb\u200cc\u2060d\ufeffe",
    "noncharacters": "\ufffe\uffff\ufdd0\U0001ffff\U0010fffe",
    "private": "\ue000\U000f0000\U0010fffd",
    "controls": "a" + "".join(map(chr, range(1, 32))) + "\x7f\x80\x9fb",
    "line ends": "a\r\nb\nc\rd\u2028e\u2029f\x85g",
    "the replacement": "\ufffd",
    "surrogates written out": r"\ud800 \\ud800",
    "SQL": "'); DROP TABLE sessions; -- \" ` ; %s :name $1 ?",
    "markup": "<script>alert(1)</script> &amp; ]]> ${7*7} {{7*7}}",
    "an escape": 'a\\b"c/d\\u0000',
    "a long one": "🙂" * (TITLE_MAX - 1),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_a_text_is_the_same_wherever_it_is_put(both: Twins, text: str) -> None:
    """In content, in a title but for space at its ends, and in metadata as name and as value."""
    body = {
        "title": text,
        "metadata": {text: [text, {text: text}]},
        "messages": [{"role": "user", "content": text, "metadata": {text: text}}],
    }
    created = (await both.send("/sessions", json.dumps(body))).json()
    path = f"/sessions/{created['id']}"
    read = (await both.ask_as("alice", "GET", path)).json()
    assert read == created
    assert (read["title"], read["metadata"]) == (text.strip(), body["metadata"])
    (message,) = (await both.ask_as("alice", "GET", f"{path}/messages")).json()["items"]
    assert (message["content"], message["metadata"]) == (text, {text: text})
    await both.send(path, json.dumps({"title": text + ".", "metadata": {text: "2"}}), "PATCH")
    patched = (await both.ask_as("alice", "GET", path)).json()
    assert (patched["title"], patched["metadata"]) == ((text + ".").strip(), {text: "2"})


REFUSED_TEXTS = {r"a\u0000b": 422, r"\u0000": 422, r"\ud800": 422, r"\udc00\ud800": 422}


@pytest.mark.parametrize(("text", "status"), REFUSED_TEXTS.items(), ids=range(len(REFUSED_TEXTS)))
async def test_a_text_that_not_every_database_keeps_is_refused(
    both: Twins, text: str, status: int
) -> None:
    path = f"/sessions/{await new_session(both)}"
    before = (await both.ask_as("alice", "GET", path)).content
    said = f'{{"role": "user", "content": "{text}"}}'
    for body in (
        f'{{"title": "{text}"}}',
        f'{{"metadata": {{"a": "{text}"}}}}',
        f'{{"metadata": {{"{text}": 1}}}}',
        f'{{"metadata": {{"a": [[{{"{text}": null}}]]}}}}',
    ):
        assert (await both.send("/sessions", body)).status_code == status
        assert (await both.send(path, body, "PATCH")).status_code == status
    for body in (f'{{"messages": [{said}]}}', said.replace("user", text)):
        assert (await both.send(f"{path}/messages", body)).status_code in {status, 422}
    assert (await both.ask_as("alice", "GET", path)).content == before


NUMBERS = (
    "0", "-0", "1", "1.0", "-0.0", "0.1", "1e308", "-1e308", "1.7976931348623157e308", "5e-324",
    "9007199254740993", "-9007199254740993", "9223372036854775808", "18446744073709551616",
    "123456789012345678901234567890", "1" + "0" * 400, "true", "false", "null",
)  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS, ids=range(len(NUMBERS)))
async def test_a_number_is_given_back_as_it_came(both: Twins, number: str) -> None:
    """In its kind and to its last digit: 1 is not 1.0, and nothing is rounded to a double."""
    created = await both.send("/sessions", f'{{"metadata": {{"a": {number}}}}}')
    read = await both.ask_as("alice", "GET", f"/sessions/{created.json()['id']}")
    found = re.search(r'"metadata":\{"a":([^}]*)\}', read.text)
    assert found
    assert repr(json.loads(found[1])) == repr(json.loads(number))


@pytest.mark.parametrize(
    "number",
    ["1e309", "-1e400", "9" * 5000, "NaN", "Infinity", "01", "+1", "1.", ".5", "0x1", "1_0"],
)
async def test_a_number_that_is_none_or_too_large_is_refused(both: Twins, number: str) -> None:
    refused = await both.send("/sessions", f'{{"metadata": {{"a": {number}}}}}')
    assert refused.status_code == 400


INTEGERS = (
    "-1", "-0", "00", "01", "+5", "5.0", "5.", "1e9", "1E1", "0x10", "1_0", "٣", "\uff11", "²",
    " 1", "1 ", "1\n", "1\0", "1,2", "1;2", "NaN", "null", "true", "None", "[]", "0b1", "--1",
    str(2**31), str(2**32), str(2**63 - 1), str(2**63), str(2**64), "9" * 400, "9" * 5000,
)  # fmt: skip
SORTS = (
    "id", "title", "user_id", "Created_At", "created_at ", "created_at;", "created_at DESC",
    "created_at--", "1", "*", "created_at,id", "(SELECT 1)", "created_at'; DROP TABLE sessions; --",
    'created_at" DESC', "created_at UNION SELECT 1", "CASE WHEN 1=1 THEN id END", "\0", "создано",
)  # fmt: skip


async def test_what_is_no_integer_in_range_is_refused(both: Twins) -> None:
    session_id = await new_session(both)
    for route in ROUTES:
        path = route.target(session_id)
        for name in route.integers:
            for text in INTEGERS:
                answer = await both.ask_as("alice", route.method, path, params={name: text})
                assert answer.status_code == 422, (name, text)
            more = "&" if route.query else "?"
            twice = await both.ask_as("alice", route.method, f"{path}{more}{name}=1&{name}=1")
            assert twice.status_code == 422


@pytest.mark.parametrize(("name", "value", "status"), [
    ("limit", 0, 422), ("limit", 1, 200), ("limit", 200, 200), ("limit", 201, 422),
    ("offset", 0, 200), ("offset", 2**31 - 1, 200), ("offset", 2**31, 422),
])  # fmt: skip
async def test_the_bounds_of_a_page(both: Twins, name: str, value: int, status: int) -> None:
    path = f"/sessions/{await new_session(both)}/messages"
    for target in ("/sessions", path):
        answer = await both.ask_as("alice", "GET", target, params={name: value})
        assert answer.status_code == status


async def test_a_sort_is_one_of_its_names_and_never_sql(both: Twins) -> None:
    session_id = await new_session(both)
    for route in ROUTES:
        for name in route.words:
            for text in SORTS:
                if (name, text) == ("create", "1"):  # which is true, as PHP writes it
                    continue
                answer = await both.ask_as(
                    "alice",
                    route.method,
                    route.target(session_id),
                    json=route.body,
                    params={name: text},
                )
                assert answer.status_code == 422, (name, text)
    for cursor in (*SORTS, "A" * 35, "_" * 35, "A" * 36, "=" * 35):
        answer = await both.ask_as("alice", "GET", "/sessions", params={"cursor": cursor})
        assert answer.status_code == 422, cursor


async def test_what_inflates_is_not_inflated(both: Twins) -> None:
    """Gigabytes of zeros in some megabytes are refused for how it is encoded, or for its size."""
    bomb = gzip.compress(bytes(64 << 20))
    for content, status in ((bomb, 415), (bomb * 100, 413)):
        for encoding in ("gzip", "deflate", "br", "zstd", "identity, gzip", "x-gzip"):
            headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
            answer = await both.ask_as(
                "alice", "POST", "/sessions", content=content, headers=headers
            )
            assert answer.status_code == status


ODD_HEADERS: list[tuple[str, Any]] = [
    ("If-Match", value)
    for value in ("", "*", '"', '""', "x", 'W/"x"', '"x", "y"', ",,,", '"\xff"'.encode("latin-1"))
] + [
    ("If-None-Match", value)
    for value in ("", '"', '""', "x", 'W/"x"', '"x", "y"', ",,,", '"' + "x" * 9000 + '"', b'"\xc3"')
] + [
    ("Idempotency-Key", value)
    for value in ("", " ", "x" * 255, "x" * 256, "'; --", b"\xff", "é".encode(), '"quoted"', "\t")
] + [
    ("X-HTTP-Method-Override", "DELETE"), ("X-Method-Override", "PUT"), ("X-Original-URL", "/x"),
    ("X-Rewrite-URL", "/docs"), ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Prefix", "//e"),
    ("Forwarded", "for=1.2.3.4;host=evil.example"), ("Range", "bytes=0-1"), ("Accept", "text/html"),
    ("Accept", "\0"), ("Accept-Encoding", "gzip, br"), ("Accept-Language", "'; --"),
    ("Content-Length", "abc"), ("Content-Length", "-1"), ("Content-Length", "9" * 30),
    ("Upgrade", "websocket"), ("Connection", "Upgrade, HTTP2-Settings"), ("Origin", "null"),
    ("Referer", "javascript:alert(1)"), ("User-Agent", "${jndi:ldap://127.0.0.1/x}"),
    ("traceparent", "00-" + "f" * 32 + "-" + "0" * 16 + "-zz"), ("traceparent", "x" * 5000),
    ("Cookie", "=;=;;\x01"), ("If-Modified-Since", "yesterday"), ("Prefer", "return=minimal"),
]  # fmt: skip


async def test_an_odd_header_means_the_same_to_both(both: Twins, sized: Sized) -> None:
    """And is never a fault of ours. In a small run each goes with every fourth request, and those
    beside it with others."""
    session_id, one_in = await new_session(both), sized(4, 1)
    for number, (name, value) in enumerate(ODD_HEADERS):
        for method, path, body in requests(session_id)[number % one_in :: one_in]:
            answer = await both.ask_as("alice", method, path, json=body, headers=[(name, value)])
            assert answer.status_code < 500
