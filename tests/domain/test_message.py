from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.body import Body
from domain.errors import ExternalIdTaken, InvalidValue, VersionMismatch
from domain.instant import TICK
from domain.message import (
    BATCH_MAX,
    CONTENT_MAX,
    Message,
    NewMessage,
    Role,
    as_stored,
    check_batch,
    check_bodies,
    in_sequence,
    without_existing,
)
from domain.metadata import Metadata
from tests.clock import START

HELLO = NewMessage(Role.USER, "hello")


def placed(*messages: NewMessage, since: datetime | None = None) -> tuple[Message, ...]:
    batch = {uuid4(): message for message in messages}
    return in_sequence(batch, session_id=UUID(int=1), after=4, since=since, now=START)


def test_a_roles_name_does_for_the_role() -> None:
    assert NewMessage("tool", "").role is Role.TOOL  # type: ignore[arg-type]
    assert NewMessage("developer", "").role is Role.DEVELOPER  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ["", "User", "owner", None, 1])
def test_an_unknown_role_is_refused(role: object) -> None:
    with pytest.raises(InvalidValue):
        NewMessage(role, "hello")  # type: ignore[arg-type]


@pytest.mark.parametrize("content", ["\0", "a\udfff", "x" * (CONTENT_MAX + 1), None, b"a"])
def test_content_that_cannot_be_kept_is_refused(content: object) -> None:
    with pytest.raises(InvalidValue):
        NewMessage(Role.USER, content)  # type: ignore[arg-type]


@pytest.mark.parametrize("content", ["", " ", "🙂" * CONTENT_MAX])
def test_content_is_kept_as_it_is(content: str) -> None:
    assert NewMessage(Role.USER, content).content == content


def test_without_content_it_is_what_can_be_read_of_the_body() -> None:
    body = Body('{"text":"a\\u0000","content":["b"]}')
    assert NewMessage(Role.USER, body=body).content == "a\nb"
    assert NewMessage(Role.USER, "", body=body).content == ""
    assert NewMessage(Role.USER, body=Body()).content == ""
    long = Body.from_mapping({"text": "🙂" * (CONTENT_MAX + 1)})
    assert NewMessage(Role.USER, body=long).content == "🙂" * CONTENT_MAX


@pytest.mark.parametrize(
    "label", ["", " ", " a", "a ", "a\n", "a\0", "\ud800", "a\u200db", "x" * 256]
)
def test_an_external_id_that_could_pass_for_another_is_refused(label: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        replace(HELLO, external_id=label)
    assert refusal.value.field == ("external_id",)


@pytest.mark.parametrize("name", ["", " ", "\u200b\u2060", "a\0", "\ud800", "x" * 256])
def test_a_name_that_cannot_be_stored_or_shows_nothing_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        replace(HELLO, name=name)
    assert refusal.value.field == ("name",)


@pytest.mark.parametrize("name", [" Bob", "\u0639\u200c\u0631", "👩\u200d💻 Coder", "क\u200dष"])
def test_a_name_is_kept_as_people_write_it(name: str) -> None:
    assert replace(HELLO, name=name).name == name


@pytest.mark.parametrize("label", ["a", "é🙂", "x y", "x" * 255])
def test_any_other_label_is_kept(label: str) -> None:
    said = replace(HELLO, name=label, external_id=label, format="a.b/1")
    assert (said.name, said.external_id, said.format) == (label, label, "a.b/1")


def test_a_timestamp_is_in_utc() -> None:
    local = START.astimezone(timezone(timedelta(hours=5, minutes=45)))
    said = replace(HELLO, timestamp=local).timestamp
    assert said is not None
    assert said == START
    assert said.tzinfo is UTC
    edge = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    for wrong in (START.replace(tzinfo=None), edge):
        with pytest.raises(InvalidValue) as refusal:
            replace(HELLO, timestamp=wrong)
        assert refusal.value.field == ("timestamp",)


def test_a_batch_has_bounds() -> None:
    check_batch([HELLO] * BATCH_MAX, least=1)
    check_batch([], least=0)
    for batch in ([], [HELLO] * (BATCH_MAX + 1)):
        with pytest.raises(InvalidValue):
            check_batch(batch, least=1)


def test_external_ids_of_a_batch_differ() -> None:
    one, other = replace(HELLO, external_id="a"), replace(HELLO, external_id="A")
    check_batch([one, HELLO, other, HELLO], least=1)
    with pytest.raises(InvalidValue) as refusal:
        check_batch([HELLO, one, other, one, other], least=1)
    assert refusal.value.field == ("messages", 3, "external_id")
    assert refusal.value.detail == "is the external id of another message here"


def test_a_body_is_held_to_the_bytes_that_are_set() -> None:
    small, large = replace(HELLO, body=Body('{"a":1}')), replace(HELLO, body=Body('{"é":1}'))
    check_bodies([HELLO, small, small], 7)
    with pytest.raises(InvalidValue) as refusal:
        check_bodies([HELLO, small, large], 7)
    assert refusal.value.field == ("messages", 2, "body")
    assert refusal.value.detail == "must not exceed 7 bytes as compact JSON"


def test_a_placed_message_has_all_that_was_said() -> None:
    said = NewMessage(
        Role.DEVELOPER,
        "é",
        Metadata('{"a":1}'),
        name="Ana",
        external_id="m1",
        format="x",
        body=Body('{"b":2}'),
    )
    (stored,) = placed(said)
    assert (stored.session_id, stored.message_order, stored.edited_at) == (UUID(int=1), 5, None)
    for field in ("role", "content", "metadata", "name", "external_id", "format", "body"):
        assert getattr(stored, field) == getattr(said, field)
    assert stored.size == said.size == 512 + 2 + 7 + 7
    assert placed(HELLO)[0].size == HELLO.size == 512 + 5 + 2


minutes = st.integers(-9, 9)


@given(given_times=st.lists(st.none() | minutes, max_size=6), since=st.none() | minutes)
def test_times_given_are_kept_as_far_as_order_allows(
    given_times: list[int | None], since: int | None
) -> None:
    """None is before the message in front of it, and none of those given in the future."""

    def at(minute: int | None) -> datetime | None:
        return None if minute is None else START + timedelta(minutes=minute)

    said = [replace(HELLO, timestamp=at(minute)) for minute in given_times]
    stored = placed(*said, since=at(since))
    assert [one.message_order for one in stored] == list(range(5, 5 + len(said)))
    previous = at(since)
    for one, message in zip(stored, said, strict=True):
        wanted = min(message.timestamp or START, START)
        assert one.timestamp == (wanted if previous is None else max(wanted, previous + TICK))
        previous = one.timestamp


def test_messages_that_exist_are_kept_or_refused() -> None:
    batch = {uuid4(): replace(HELLO, external_id=name) for name in ("a", None, "b", "c")}
    ids = list(batch)
    there = {one.external_id or "": one for one in placed(batch[ids[3]], batch[ids[0]])}
    assert without_existing(batch, {}, keep=False) == batch
    new = without_existing(batch, there, keep=True)
    assert list(new) == [ids[1], ids[2]]
    with pytest.raises(ExternalIdTaken) as refusal:
        without_existing(batch, there, keep=False)
    assert (refusal.value.message_order, refusal.value.index) == (6, 0)
    assert refusal.value.session_id is None
    stored = in_sequence(new, session_id=UUID(int=1), after=6, since=None, now=START)
    assert as_stored(batch, stored, there) == (there["a"], *stored, there["c"])
    assert as_stored(new, stored, {}) == stored


def test_a_replaced_message_keeps_its_place() -> None:
    (before,) = placed(replace(HELLO, external_id="a", name="Ana", body=Body(), format="x"))
    later = START + timedelta(hours=1)
    new = NewMessage("system", "", Metadata('{"a":1}'), external_id="b", timestamp=later)  # type: ignore[arg-type]
    after = before.replaced(new, later)
    assert (after.role, after.content, after.metadata) == (Role.SYSTEM, "", Metadata('{"a":1}'))
    assert (after.name, after.format, after.body) == (None, None, None)
    for field in ("id", "external_id", "session_id", "message_order", "timestamp"):
        assert getattr(after, field) == getattr(before, field)
    assert (before.version, after.edited_at, after.version) == (before.timestamp, later, later)
    whole = replace(new, name="Ben", format="y", body=Body('{"b":1}'))
    after = before.replaced(whole, later)
    assert (after.name, after.format, after.body) == ("Ben", "y", Body('{"b":1}'))


@pytest.mark.parametrize(
    ("expected", "holds"),
    [
        (lambda _: None, True),
        (lambda version: [version], True),
        (lambda version: [version + TICK, version], True),
        (lambda _: [], False),
        (lambda version: [version + TICK], False),
    ],
)
def test_a_message_is_held_to_the_versions_expected(
    expected: Callable[[datetime], list[datetime] | None], *, holds: bool
) -> None:
    for message in (placed(HELLO)[0], placed(HELLO)[0]._replace(edited_at=START + TICK)):
        versions = expected(message.version)
        if holds:
            assert message.check_version(versions) is message
            continue
        with pytest.raises(VersionMismatch):
            message.check_version(versions)
