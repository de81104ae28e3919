from datetime import timedelta
from uuid import uuid4

import pytest

from domain.errors import InvalidValue
from domain.instant import TICK
from domain.message import NewMessage, Role
from domain.metadata import EMPTY, METADATA_MAX, Metadata
from domain.owner import Owner
from domain.session import NewSession, Session, SessionPatch, trimmed_title
from tests.clock import START

OWNER = Owner("issuer", "alice")
LATER = START + timedelta(seconds=1)


def session(title: str | None = "old", metadata: Metadata = EMPTY) -> Session:
    return Session.started(uuid4(), OWNER, START, NewSession(title, metadata))


@pytest.mark.parametrize("title", ["", " ", "\u3000\n", "a" * 201, "a\0", "\ud800"])
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
    new = session()
    assert (new.message_count, new.created_at, new.last_updated) == (0, START, START)


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
