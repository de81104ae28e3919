"""Exports while others write, and imports of what is not as it should be."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from application import export, imports
from application.errors import Unavailable
from application.line_reader import LineReader
from application.ports.storage import Storage
from application.use_cases import UseCases
from domain.body import BODY_MAX_DEFAULT
from domain.errors import SessionForbidden, SessionNotFound
from domain.external_id import ExternalId
from domain.message import Message, NewMessage, Role
from domain.owner import Owner
from domain.session import NewSession, Session
from domain.transfer import Discarded, Fault, LeftOut, Outcome, Part, SessionStart
from tests.clock import START, ManualClock
from tests.moving import as_parts, exported, imported, session

ALICE = Owner("issuer", "alice")
BOB = Owner("issuer", "bob")

Change = Callable[[UseCases, Session], Awaitable[object]]


def said(count: int) -> list[NewMessage]:
    return [NewMessage(Role.USER, str(number), external_id=str(number)) for number in range(count)]


async def filled(do: UseCases, count: int = 450) -> Session:
    made = await do.create_session(ALICE, external_id="s")
    for first in range(0, count, 100):
        await do.append_messages(ALICE, made.id, said(count)[first : first + 100])
    return await do.get_session(ALICE, made.id)


async def replace_last(do: UseCases, made: Session) -> None:
    await do.put_message(ALICE, made.id, 450, NewMessage(Role.USER, "new"))


async def remove_last(do: UseCases, made: Session) -> None:
    await do.remove_message(ALICE, made.id, 450)


async def append(do: UseCases, made: Session) -> None:
    await do.append_messages(ALICE, made.id, [NewMessage(Role.USER, "more")])


async def clear(do: UseCases, made: Session) -> None:
    await do.clear_messages(ALICE, made.id, before=None)


async def delete(do: UseCases, made: Session) -> None:
    await do.delete_session(ALICE, made.id)


CHANGES: list[tuple[Change, int | None, bool]] = [
    (replace_last, 450, True),
    (remove_last, 449, True),
    (append, 450, False),
    (clear, 0, True),
    (delete, None, True),
]
"""What happens while a session is read, how many messages the export then has of it, and whether
what was begun is taken back."""


@pytest.mark.parametrize("is_held", [True, False])
@pytest.mark.parametrize(("change", "count", "begins_anew"), CHANGES)
async def test_a_session_is_exported_as_it_was_at_one_moment(
    do: UseCases,
    monkeypatch: pytest.MonkeyPatch,
    change: Change,
    count: int | None,
    begins_anew: bool,  # noqa: FBT001 - a column
    is_held: bool,  # noqa: FBT001 - likewise
) -> None:
    if not is_held:
        monkeypatch.setattr(export, "HELD_MAX", 0)
    made = await filled(do)
    pages = type(do.export_sessions.messages).page
    asked = 0

    async def page(self: Any, *arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == 2:
            await change(do, made)
        return await pages(self, *arguments)

    monkeypatch.setattr(type(do.export_sessions.messages), "page", page)
    parts = [part async for part in do.export_sessions(ALICE)]
    taken_back = [place for place, part in enumerate(parts) if isinstance(part, Discarded)]
    assert len(taken_back) == (begins_anew and not is_held)
    left = parts[taken_back[-1] + 1 :] if taken_back else parts
    if count is None:
        assert left == []
        return
    head, *messages = left
    assert isinstance(head, Session)
    assert len(messages) == head.message_count == count
    assert all(isinstance(one, Message) and one.content != "more" for one in messages)
    await imported(do, BOB, await exported(do, ALICE))


async def test_what_changes_each_time_it_is_read_ends_the_export(
    do: UseCases, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await filled(do, 250)
    pages = type(do.export_sessions.messages).page

    async def page(self: Any, *arguments: Any) -> Any:
        await do.put_message(ALICE, made.id, 250, NewMessage(Role.USER, "new"))
        return await pages(self, *arguments)

    monkeypatch.setattr(export, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(type(do.export_sessions.messages), "page", page)
    with pytest.raises(Unavailable):
        [part async for part in do.export_sessions(ALICE)]


async def test_one_session_is_its_owners_alone(do: UseCases) -> None:
    made = await filled(do, 2)
    parts = [part async for part in do.export_sessions(ALICE, ExternalId("s"))]
    assert [type(part) for part in parts] == [Session, Message, Message]
    with pytest.raises(SessionForbidden):
        [part async for part in do.export_sessions(BOB, made.id)]
    with pytest.raises(SessionNotFound):
        [part async for part in do.export_sessions(ALICE, uuid4())]


async def test_every_session_is_exported_in_the_order_of_its_creation(
    do: UseCases, clock: ManualClock
) -> None:
    for number in range(450):
        await do.create_session(ALICE, title=f"t{number}")
        clock.move(1)
    titles = [line["title"] for line in await exported(do, ALICE) if line["type"] == "session"]
    assert titles == [f"t{number}" for number in range(450)]


LINES: list[tuple[bytes, list[Part]]] = [
    (b"", []),
    (b'{"type": "header", "format": "chat-sessions/1"}', []),
    (b'{"type": "footer"}', []),
    (b'{"type": "header", "format": "x"}', [Fault("format must be chat-sessions/1", 1)]),
    (b"[]", [Fault("must be an object", 1)]),
    (b"{", [Fault("it is not JSON: line 1, column 2, where a name in double quotes should be", 1)]),
    (
        b'{"type": "x"}',
        [Fault("type must be header, session, message, discarded or footer", 1)],
    ),
    (
        b'{"type": "session", "title": 1, "id": "a"}',
        [Fault("title must be a string", 1, begins=True, external_id="a")],
    ),
    (
        b'{"type": "session", "archived": 1}',
        [Fault("archived must be true or false", 1, begins=True)],
    ),
    (
        b'{"type": "session", "message_count": true}',
        [Fault("message_count must be a whole number", 1, begins=True)],
    ),
    (b'{"type": "message"}', [Fault("role is required", 1)]),
    (
        b'{"type": "message", "role": "x", "content": ""}',
        [Fault("role must be one of user, assistant, system, developer, tool", 1)],
    ),
    (
        b'{"type": "session", "created_at": "2026-01-02T03:04:05Z", "new": 1, "x": 2}',
        [
            SessionStart(NewSession(created_at=START.replace(microsecond=0))),
            LeftOut("members that are not known", 2, 1),
        ],
    ),
]


@pytest.mark.parametrize(("line", "parts"), LINES)
def test_a_line_is_a_part_of_an_import(line: bytes, parts: list[Part]) -> None:
    assert LineReader().read(line) == parts


GOOD = session("good", "a")
BROKEN: list[tuple[list[dict[str, Any]], list[tuple[str | None, Outcome, int]]]] = [
    ([*session("x", "a", {"content": 1}, "b"), *GOOD], [("x", Outcome.REFUSED, 0)]),
    ([{"type": "message", "role": "user", "content": ""}, *GOOD], [(None, Outcome.REFUSED, 0)]),
    ([{"type": "?"}, {"type": "?"}, *GOOD], [(None, Outcome.REFUSED, 0)]),
    ([*session("x", "a", message_count=2), *GOOD], [("x", Outcome.REFUSED, 0)]),
    ([*session("x", "a", "a"), *GOOD], [("x", Outcome.REFUSED, 0)]),
    (
        [*session("x", "a", message_count=1), {"type": "session", "external_id": 1}, *GOOD],
        [("x", Outcome.CREATED, 1), (None, Outcome.REFUSED, 0)],
    ),
    (
        [*session("x", "a", message_count=1), {"type": "?"}, *GOOD],
        [("x", Outcome.CREATED, 1), (None, Outcome.REFUSED, 0)],
    ),
    ([*session("x", "a"), {"type": "discarded"}, *session("x", "b"), *GOOD],
     [("x", Outcome.CREATED, 1)]),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "before"), BROKEN)
async def test_what_is_not_acceptable_is_refused_and_the_rest_goes_on(
    do: UseCases,
    lines: list[dict[str, Any]],
    before: list[tuple[str | None, Outcome, int]],
) -> None:
    found = await imported(do, ALICE, lines)
    told = [(one.external_id, one.outcome, one.messages) for one in found]
    assert told == [*before, ("good", Outcome.CREATED, 1)]
    for one in found:
        assert bool(one.left_out) == (one.outcome is Outcome.REFUSED)
        assert (one.session_id is None) == (one.outcome is Outcome.REFUSED)


async def test_a_body_over_the_limit_is_left_out_and_its_text_stays(do: UseCases) -> None:
    large = {"text": "long", "a": "x" * BODY_MAX_DEFAULT}
    lines = session("s", {"body": large, "format": "x"}, {"body": large}, {"body": {"text": "b"}})
    (found,) = await imported(do, ALICE, lines)
    assert found.left_out == (LeftOut(f"bodies of more than {BODY_MAX_DEFAULT} bytes", 2),)
    stored = (await exported(do, ALICE))[2:5]
    assert [(one["content"], one["body"], one["format"]) for one in stored] == [
        ("long", None, None),
        ("long", None, None),
        ("b", {"text": "b"}, None),
    ]


async def test_a_dry_run_stores_nothing(do: UseCases) -> None:
    (found,) = await imported(do, ALICE, session("s", "a", "b"), dry_run=True)
    assert (found.outcome, found.messages, found.session_id) == (Outcome.CREATED, 2, None)
    assert len(await exported(do, ALICE)) == 2


async def test_times_are_kept_as_far_as_order_allows(do: UseCases) -> None:
    """One that is missing is that of the message before it; none is in the future."""
    instants = [START - timedelta(hours=hour) for hour in (3, 2, 1)]
    texts = [instant.isoformat() for instant in instants]
    future = (START + timedelta(days=1)).isoformat()
    lines = session(
        "s",
        {"content": "1", "timestamp": texts[0]},
        {"content": "2"},
        {"content": "3", "timestamp": texts[1], "edited_at": future},
        {"content": "4", "timestamp": future},
        created_at=texts[1],
        last_updated=texts[2],
    )
    await imported(do, ALICE, lines)
    _, head, *messages, _ = await exported(do, ALICE)
    tick = timedelta(microseconds=1)
    assert head["created_at"].startswith(texts[0][:19])
    assert [one["timestamp"] for one in messages] == [
        _z(instants[0]),
        _z(instants[0] + tick),
        _z(instants[1]),
        _z(START),
    ]
    assert messages[2]["edited_at"] == head["last_updated"] == _z(START)


def _z(instant: Any) -> str:
    return f"{instant.isoformat(timespec='microseconds').removesuffix('+00:00')}Z"


async def test_of_two_imports_at_once_one_stores_and_one_keeps(
    do: UseCases, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = session("s", "a", "b", "c")
    find = type(storage.sessions).find

    async def nothing(*_: object) -> Any:
        monkeypatch.setattr(type(storage.sessions), "find", find)
        (first,) = await imported(do, ALICE, session("s", "a", "b"))
        assert first.outcome is Outcome.CREATED
        raise SessionNotFound

    monkeypatch.setattr(type(storage.sessions), "find", nothing)
    (second,) = await imported(do, ALICE, lines)
    assert (second.outcome, second.messages) == (Outcome.KEPT, 1)
    assert [one["content"] for one in (await exported(do, ALICE))[2:-1]] == ["a", "b", "c"]


async def test_a_large_session_that_breaks_keeps_what_is_stored_of_it(
    do: UseCases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "ACT_MESSAGES", 2)
    broken = session("s", "a", "b", "c", {"content": 1})
    (found,) = await imported(do, ALICE, broken)
    assert (found.outcome, found.messages) == (Outcome.REFUSED, 2)
    (again,) = await imported(do, ALICE, session("s", "a", "b", "c", "d"))
    assert (again.outcome, again.messages) == (Outcome.KEPT, 2)


async def test_an_external_id_that_comes_again_in_a_later_act_is_told(
    do: UseCases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "ACT_MESSAGES", 2)
    named = {"content": "a", "external_id": "x"}
    (found,) = await imported(do, ALICE, session("s", named, "b", "c", {**named, "content": "d"}))
    assert (found.outcome, found.messages) == (Outcome.CREATED, 3)
    assert [(one.count, one.line) for one in found.left_out] == [(1, None)]


async def test_what_is_taken_back_is_taken_out_of_the_storage_too(
    do: UseCases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an export takes back a large session that changed while it was read."""
    monkeypatch.setattr(imports, "ACT_MESSAGES", 2)
    discarded = {"type": "discarded", "id": "s"}
    old = {"content": "old", "external_id": "a"}
    anew = {"content": "new", "external_id": "a"}
    lines = [*session("s", old, "b", "c"), discarded, *session("s", anew, "b")]
    lines += [*session("gone", "x", "y", "z"), discarded]
    (found,) = await imported(do, ALICE, lines)
    assert (found.outcome, found.messages) == (Outcome.CREATED, 2)
    _, only, *messages, _ = await exported(do, ALICE)
    assert only["external_id"] == "s"
    assert [one["content"] for one in messages] == ["new", "b"]


async def test_a_session_that_is_deleted_while_it_is_brought_in_is_refused_alone(
    do: UseCases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "ACT_MESSAGES", 2)

    lines = [*session("s", "a", "b", "c", "d"), *session("t", "e")]

    async def parts() -> AsyncIterator[Part]:
        for place, part in enumerate(as_parts(lines)):
            if place == 4:  # its first two messages are stored
                await do.delete_session(ALICE, ExternalId("s"))
            yield part

    found = [one async for one in do.import_sessions(ALICE, parts())]
    assert [(one.external_id, one.outcome) for one in found] == [
        ("s", Outcome.REFUSED),
        ("t", Outcome.CREATED),
    ]
