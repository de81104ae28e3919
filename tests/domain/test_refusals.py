"""What the domain refuses says which rule was broken, and where, to whoever sent it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from domain.body import Body
from domain.errors import InvalidValue
from domain.external_id import ExternalId
from domain.message import NewMessage, Role, check_batch
from domain.message_page import MessagePageRequest
from domain.metadata import Metadata, check_json
from domain.owner import Owner
from domain.page import PageRequest, SortOrder
from domain.session import NewSession, SessionPatch, trimmed_title
from domain.session_page import Cursor, SessionFilter, SessionPageRequest, SessionSort, Side
from domain.strict_json import parse
from domain.text import storable
from tests.clock import START

HELLO: Any = NewMessage(Role.USER, "hello")
CURSOR = Cursor(sort_by=SessionSort.CREATED_AT, sort_order=SortOrder.ASC, side=Side.AFTER, key=None)
NESTED: Any = [[[]]]
for _ in range(100_000):  # past every interpreter's own limit
    NESTED = [NESTED]

TITLE = "must have 1 to 200 characters after trimming, not all of them blank"
NAME = "must have 1 to 255 characters, not all of them blank"
OFFSET = "must be 0 to 2147483647"
PRINTABLE = "must be printable, with no space at its ends"
FORMAT = "must be 1 to 64 of a-z, 0-9 and . _ / + -, and begin with a letter or a digit"
OFFSET_FROM_UTC = "must be a time with an offset from UTC"
NAIVE = START.replace(tzinfo=None)
WEST = timezone(timedelta(hours=-1))

REFUSALS: list[tuple[Callable[[], object], tuple[str, ...], str]] = [
    (lambda: storable(5), (), "must be a string"),  # type: ignore[arg-type]
    (lambda: storable("a\0"), (), "must not contain NUL"),
    (lambda: storable("\ud800"), (), "must not contain a lone surrogate"),
    (
        lambda: NewMessage("owner", ""),  # type: ignore[arg-type]
        ("role",),
        "must be one of user, assistant, system, developer, tool",
    ),
    (
        lambda: NewMessage(Role.USER, "x" * 300_001),
        ("content",),
        "must have at most 300000 characters",
    ),
    (lambda: NewMessage(Role.USER), ("content",), "is required where there is no body"),
    (lambda: replace(HELLO, name=" "), ("name",), NAME),
    (lambda: replace(HELLO, name=""), ("name",), NAME),
    (lambda: replace(HELLO, external_id=5), ("external_id",), "must be a string"),
    (lambda: replace(HELLO, external_id="a "), ("external_id",), PRINTABLE),
    (lambda: replace(HELLO, format="A"), ("format",), FORMAT),
    (lambda: replace(HELLO, timestamp=NAIVE), ("timestamp",), OFFSET_FROM_UTC),
    (lambda: ExternalId("a\n"), ("external_id",), PRINTABLE),
    (lambda: NewSession(external_id=""), ("external_id",), "must have 1 to 255 characters"),
    (lambda: NewSession(created_at=NAIVE), ("created_at",), OFFSET_FROM_UTC),
    (
        lambda: SessionFilter(updated_after=datetime.max.replace(tzinfo=WEST)),
        ("updated_after",),
        "must be a time of the years 1 to 9999 in UTC",
    ),
    (lambda: SessionFilter(updated_before=NAIVE), ("updated_before",), OFFSET_FROM_UTC),
    (lambda: check_batch([], least=1), ("messages",), "must have 1 to 100 items"),
    (lambda: check_batch([HELLO] * 101, least=0), ("messages",), "must have 0 to 100 items"),
    (lambda: trimmed_title(" "), ("title",), TITLE),
    (
        lambda: SessionPatch(title="x" * 201),
        ("title",),
        TITLE,
    ),
    (lambda: Metadata.from_mapping([]), (), "must be an object"),  # type: ignore[arg-type]
    (lambda: Metadata.from_mapping({"a": 10**5000}), (), "must not contain a number out of range"),
    (
        lambda: Metadata.from_mapping({"a": "x" * 16384}),
        (),
        "must not exceed 16384 bytes as compact JSON",
    ),
    (lambda: Body.from_mapping([]), (), "must be an object"),  # type: ignore[arg-type]
    (lambda: Body.from_mapping({1: 2}), (), "must be a string"),  # type: ignore[dict-item]
    (lambda: check_json(float("nan")), (), "must not contain NaN or an infinity"),
    (lambda: check_json(NESTED), (), "must not nest more than 100 levels"),
    (lambda: SessionPatch(metadata={"a": NESTED}), (), "must not nest more than 100 levels"),
    (lambda: check_json({"a": object()}), (), "must hold JSON values only"),
    (lambda: Owner("", "a"), ("issuer",), "must be printable and not empty"),
    (lambda: Owner("i", ""), ("subject",), "must have 1 to 255 characters"),
    (lambda: Owner("i", "a" * 256), ("subject",), "must have 1 to 255 characters"),
    (lambda: Owner("i", "a\n"), ("subject",), PRINTABLE),
    (lambda: Owner("i", " a"), ("subject",), PRINTABLE),
    (lambda: PageRequest(limit=0), ("limit",), "must be 1 to 200"),
    (lambda: PageRequest(offset=-1), ("offset",), OFFSET),
    (lambda: MessagePageRequest(after=-1), ("after",), OFFSET),
    (lambda: MessagePageRequest(before=2**31), ("before",), OFFSET),
    (lambda: MessagePageRequest(after=1, offset=0), ("offset",), "does not go with after"),
    (lambda: MessagePageRequest(before=1, offset=0), ("offset",), "does not go with before"),
    (lambda: MessagePageRequest(after=1, before=2), ("before",), "does not go with after"),
    (lambda: MessagePageRequest(before=1, around=2), ("around",), "does not go with before"),
    (
        lambda: SessionPageRequest(cursor=CURSOR, offset=0),
        ("offset",),
        "does not go with cursor",
    ),
    (lambda: SessionPageRequest(cursor=CURSOR), ("cursor",), "was made for another sort"),
]


@pytest.mark.parametrize(("refused", "field", "detail"), REFUSALS)
def test_a_refusal_names_the_rule_and_the_field(
    refused: Callable[[], object], field: tuple[str, ...], detail: str
) -> None:
    with pytest.raises(InvalidValue) as refusal:
        refused()
    assert refusal.value.field == field
    assert refusal.value.detail == detail
    assert str(refusal.value) == refusal.value.detail


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"\xff", "it is not UTF-8"),
        (r'["\ud800"]', "a string holds a lone surrogate"),
        ("[" * 100_000, "it nests more than 128 levels"),
        ("{", "it is not JSON: line 1, column 2, where a name in double quotes should be"),
        ('{"a": 1, "a": 2}', "an object repeats a member's name"),
        ("[NaN]", "NaN and infinities are not JSON"),
        ("[1e400]", "a number is out of range"),
        ("1" * 5000, "a number is out of range"),
    ],
)
def test_what_is_no_json_is_told_why(text: str | bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        parse(text)
