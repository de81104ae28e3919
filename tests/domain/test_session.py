from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from domain.errors import InvalidValue, VersionMismatch
from domain.instant import TICK
from domain.message import Message, NewMessage, Role
from domain.metadata import EMPTY, METADATA_MAX, Metadata
from domain.owner import Owner
from domain.session import NewSession, Session, SessionPatch, Version, trimmed_title
from tests.clock import START

OWNER = Owner("issuer", "alice")
LATER = START + timedelta(seconds=1)
LONG_AGO = START - timedelta(days=900)
HELLO = NewMessage(Role.USER, "hello")
SAID_THEN = replace(HELLO, timestamp=LONG_AGO)


def session(title: str | None = "old", metadata: Metadata = EMPTY) -> Session:
    return started(NewSession(title, metadata))[0]


def started(new: NewSession, *messages: NewMessage) -> tuple[Session, tuple[Message, ...]]:
    batch = {uuid4(): message for message in messages}
    return Session.started(uuid4(), OWNER, START, new, batch)


def said(*messages: NewMessage) -> dict[UUID, NewMessage]:
    return {uuid4(): message for message in messages}


@pytest.mark.parametrize(
    "title",
    ["", " ", "\u3000\n", "a" * 201, "a\0", "\ud800", "\u200b", "\ufeff\u3164", "\ufe0f\u2800"],
)
def test_a_title_that_breaks_the_rule_is_refused(title: str) -> None:
    with pytest.raises(InvalidValue):
        trimmed_title(title)
    with pytest.raises(InvalidValue):
        SessionPatch(title=title)


def test_a_title_is_trimmed_before_it_is_measured() -> None:
    assert trimmed_title(" " + "🙂" * 200 + "\t") == "🙂" * 200
    assert trimmed_title(" x ") == "x"
    assert trimmed_title(None) is None


def test_a_new_session_begins_with_no_messages() -> None:
    new, placed = started(NewSession("a", Metadata('{"b":1}'), "c"))
    assert (new.title, new.metadata, new.external_id) == ("a", Metadata('{"b":1}'), "c")
    assert (new.archived, new.pinned, new.version) == (False, False, Version(START, 0))
    assert (new.message_count, new.created_at, new.last_updated) == (0, START, START)
    assert placed == ()


@pytest.mark.parametrize(
    ("created_at", "messages", "created", "times"),
    [
        (None, [], START, []),
        (None, [HELLO, HELLO], START, [START + TICK, START + 2 * TICK]),
        (LONG_AGO, [], LONG_AGO, []),
        (LONG_AGO, [HELLO], LONG_AGO, [START]),
        (START, [HELLO], START, [START + TICK]),
        (None, [SAID_THEN, SAID_THEN], LONG_AGO, [LONG_AGO, LONG_AGO + TICK]),
        (None, [SAID_THEN, HELLO], LONG_AGO, [LONG_AGO, START]),
        (None, [HELLO, SAID_THEN], START, [START, START + TICK]),
        (LONG_AGO, [SAID_THEN], LONG_AGO, [LONG_AGO]),
        (LONG_AGO - TICK, [SAID_THEN], LONG_AGO - TICK, [LONG_AGO]),
        (None, [replace(HELLO, timestamp=LATER)], START, [START]),
        (
            datetime.min.replace(tzinfo=UTC),
            [SAID_THEN],
            datetime.min.replace(tzinfo=UTC),
            [LONG_AGO],
        ),
    ],
)
def test_a_conversation_that_is_older_stands_where_it_belongs(
    created_at: datetime | None,
    messages: list[NewMessage],
    created: datetime,
    times: list[datetime],
) -> None:
    new, placed = started(NewSession(created_at=created_at), *messages)
    assert new.created_at == created
    assert [message.timestamp for message in placed] == times
    assert [message.message_order for message in placed] == list(range(1, len(times) + 1))
    assert new.last_updated == (times[-1] if times else created)
    assert (new.last_order, new.removed_count) == (len(times), 0)
    assert {message.session_id for message in placed} <= {new.id}


def test_a_session_is_not_created_in_the_future_or_after_its_first_message() -> None:
    for created_at, messages, detail in (
        (START + TICK, [], "must not be in the future"),
        (LONG_AGO + TICK, [SAID_THEN], "must not be after the first message"),
    ):
        with pytest.raises(InvalidValue, match=detail) as refusal:
            started(NewSession(created_at=created_at), *messages)
        assert refusal.value.field == ("created_at",)
    with pytest.raises(InvalidValue) as refusal:
        NewSession(created_at=START.replace(tzinfo=None))
    assert refusal.value.field == ("created_at",)


def test_an_append_places_messages_after_the_last_change() -> None:
    batch = {uuid4(): NewMessage(Role.USER, "a"), uuid4(): NewMessage(Role.ASSISTANT, "b")}
    before = session()
    after, placed = before.appended(batch, START - timedelta(days=1))
    assert {message.session_id for message in placed} == {before.id}
    assert [message.id for message in placed] == list(batch)
    assert [message.message_order for message in placed] == [1, 2]
    assert [message.timestamp for message in placed] == [START + TICK, START + 2 * TICK]
    assert (after.message_count, after.last_updated) == (2, placed[-1].timestamp)


def test_an_append_of_nothing_changes_nothing() -> None:
    before = session()
    assert before.appended({}, LATER) == (before, ())


def test_an_append_of_what_was_said_earlier_comes_after_the_last_message() -> None:
    """And is a change of now, whatever the clock says."""
    before, (first,) = started(NewSession(), SAID_THEN)
    before = before._replace(last_updated=LATER)
    after, placed = before.appended(said(SAID_THEN, HELLO), START, first.timestamp)
    assert [message.timestamp for message in placed] == [LONG_AGO + TICK, START]
    assert (after.last_order, after.last_updated) == (3, LATER + TICK)
    later, placed = before.appended(said(SAID_THEN), LATER + timedelta(days=1), first.timestamp)
    assert later.last_updated == LATER + timedelta(days=1)
    emptied = before.changed(LATER, removed=1)
    _, (only,) = emptied.appended(said(SAID_THEN), LATER)
    assert (only.message_order, only.timestamp) == (2, LONG_AGO)


def test_a_removal_is_a_change_and_gives_no_order_back() -> None:
    before, _ = started(NewSession(), HELLO, HELLO, HELLO)
    after = before.changed(START, removed=2)
    assert (after.message_count, after.last_order, after.removed_count) == (1, 3, 2)
    assert after.last_updated == before.last_updated + TICK
    assert before.changed(LATER).last_updated == LATER
    assert before.changed(LATER).message_count == 3
    _, (message,) = after.appended(said(HELLO), START)
    assert message.message_order == 4
    assert message.timestamp == after.last_updated + TICK


@pytest.mark.parametrize(
    ("patch", "flags", "revision"),
    [
        (SessionPatch(archived=True), (True, False), 1),
        (SessionPatch(pinned=True), (False, True), 1),
        (SessionPatch(archived=True, pinned=True), (True, True), 1),
        (SessionPatch(archived=False, pinned=False), (False, False), 0),
    ],
)
def test_a_flag_moves_the_version_and_not_the_time(
    patch: SessionPatch, flags: tuple[bool, bool], revision: int
) -> None:
    before = session()
    after = before.updated(patch, LATER)
    assert (after.archived, after.pinned) == flags
    assert after.version == Version(START, revision)
    assert after.updated(patch, LATER) is after
    titled = before.updated(replace(patch, title="new"), LATER)
    assert titled.version == Version(LATER, revision)


def test_a_session_is_held_to_the_versions_expected() -> None:
    flagged = session().updated(SessionPatch(archived=True), LATER)
    for expected in (None, [Version(START, 1)], [Version(LATER), Version(START, 1)]):
        assert flagged.check_version(expected) is flagged
    for stale in ([], [Version(START)], [Version(START, 2), Version(LATER, 1)]):
        with pytest.raises(VersionMismatch):
            flagged.check_version(stale)


def test_a_patch_changes_what_it_names() -> None:
    before = session(metadata=Metadata('{"a":1}'))
    renamed = before.updated(SessionPatch(title=" new "), LATER)
    assert (renamed.title, renamed.metadata, renamed.last_updated) == (
        "new",
        before.metadata,
        LATER,
    )
    noted = before.updated(SessionPatch(metadata={"b": 2}), LATER)
    assert (noted.title, noted.metadata) == ("old", Metadata('{"a":1,"b":2}'))
    cleared = before.updated(SessionPatch(title=None, metadata=None), LATER)
    assert (cleared.title, cleared.metadata) == (None, EMPTY)


def test_a_change_moves_the_version_on_also_when_the_clock_does_not() -> None:
    assert session().updated(SessionPatch(title="new"), START).last_updated == START + TICK


@pytest.mark.parametrize(
    "patch",
    [
        SessionPatch(),
        SessionPatch(title="old"),
        SessionPatch(title=" old "),
        SessionPatch(metadata={}),
        SessionPatch(metadata={"a": 1, "b": None}),
    ],
)
def test_a_patch_that_changes_nothing_leaves_the_version(patch: SessionPatch) -> None:
    before = session(metadata=Metadata('{"a":1}'))
    assert before.updated(patch, LATER) is before


def test_a_number_that_becomes_true_is_a_change() -> None:
    before = session(metadata=Metadata('{"a":1}'))
    after = before.updated(SessionPatch(metadata={"a": True}), LATER)
    assert after.metadata == Metadata('{"a":true}')


def test_the_limit_holds_after_merging_and_names_the_field() -> None:
    before = session(metadata=Metadata.from_mapping({"a": "x" * (METADATA_MAX - 20)}))
    with pytest.raises(InvalidValue) as refusal:
        before.updated(SessionPatch(metadata={"b": "x" * 20}), LATER)
    assert refusal.value.field == ("metadata",)
    assert refusal.value.detail == "must not exceed 16384 bytes as compact JSON"


def test_a_patch_of_what_no_session_could_take_is_refused() -> None:
    with pytest.raises(InvalidValue):
        SessionPatch(metadata={"a": "\0"})
