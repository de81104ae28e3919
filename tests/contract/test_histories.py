"""One history of requests, run on every backend through the use cases, and on one through HTTP,
which makes the same of their answers on all. It is held after every step against a model that is
plain lists."""

from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule

from domain.errors import Refused
from domain.external_id import ExternalId
from domain.message import LAST, MessageRef
from domain.message_page import MessagePageRequest, MessageSort
from domain.page import PageRequest, SortOrder
from domain.session_page import SessionFilter, SessionPageRequest, SessionSort
from tests.clock import START
from tests.contract.backends import BACKENDS
from tests.contract.model import Line, Model, Talk, TalkRef
from tests.contract.services import Service, serving

T = TypeVar("T")

PEOPLE = ("alice", "bob", "Alice")
OWNER = "the owner"
"""Of the session that is asked for, or Alice."""

CHANGES = ("append", "put", "remove", "clear")
WHOLE = MessagePageRequest(limit=200)


@dataclass
class Keyed:
    """An append under a key."""

    who: str
    talk: TalkRef
    lines: list[Line]
    key: str


class History(RuleBasedStateMachine):
    """Three people, a clock that a rule moves either way, and every request in any order."""

    service: Service

    talks = Bundle("talks")
    keyed = Bundle("keyed")
    people = st.sampled_from(PEOPLE)
    callers = st.sampled_from([OWNER, OWNER, OWNER, *PEOPLE])
    names = st.sampled_from("xyz")
    rarely = st.sampled_from([False, False, False, True])
    lines = st.lists(
        st.builds(Line, st.text("ab🙂", max_size=3), st.none() | names),
        min_size=1,
        max_size=3,
        unique_by=lambda line: line.external_id or object(),
    )
    refs = talks | talks | st.builds(ExternalId, names)
    messages = st.integers(1, 6) | st.just(LAST) | st.builds(ExternalId, names)
    pages = st.builds(
        PageRequest, limit=st.integers(1, 4), offset=st.integers(0, 6) | st.just(2**31 - 1)
    )

    def __init__(self) -> None:
        super().__init__()
        self.service.clock.time = START
        self.model = Model()
        self.strangers = uuid4().hex

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.service.runner.run(work)

    def ask(self, what: str, who: str, talk: TalkRef, *asked: Any, **terms: Any) -> None:
        """Ask the service and the model, which must agree, and on what there is after a change."""
        if who == OWNER:
            who = talk.owner if isinstance(talk, Talk) else "alice"
        sent = (talk.id if isinstance(talk, Talk) else talk, *asked)
        work = getattr(self.service.driver, what)(f"{who}-{self.strangers}", *sent, **terms)
        try:
            expected = getattr(self.model, what)(who, talk, *asked, **terms)
        except Refused as refused:
            with pytest.raises(type(refused)):
                self.run(work)
            return
        assert self.run(work) == expected
        if what in CHANGES:
            page = self.service.driver.messages(f"{who}-{self.strangers}", sent[0], WHOLE)
            assert self.run(page) == self.model.messages(who, talk, WHOLE)

    @rule(seconds=st.sampled_from([0, 1, 60, -60]))
    def time_moves(self, seconds: int) -> None:
        self.service.clock.move(seconds)

    @initialize(target=talks)
    def begin(self) -> Talk:
        lines = [Line("hello"), Line("there", "x"), Line("who"), Line("is", "y"), Line("it")]
        return self.created("alice", lines, "x")

    @rule(target=talks, who=people, lines=st.just([]) | lines)
    def create(self, who: str, lines: list[Line]) -> Talk:
        return self.created(who, lines, None)

    @rule(who=people, lines=lines, name=names)
    def create_under_a_name(self, who: str, lines: list[Line], name: str) -> None:
        """Of which nothing becomes where that is taken."""
        try:
            talk = self.model.create(who, "", lines, name)
        except Refused as refused:
            with pytest.raises(type(refused)):
                self.created(who, lines, name)
            return
        self.model.talks.remove(talk)
        self.created(who, lines, name)

    def created(self, who: str, lines: list[Line], name: str | None) -> Talk:
        title = uuid4().hex[:8]
        work = self.service.driver.create(f"{who}-{self.strangers}", title, lines, name)
        id_ = self.run(work)
        talk = self.model.create(who, title, lines, name)
        talk.id = id_
        return talk

    @rule(who=callers, talk=refs, lines=lines, keep=st.booleans(), create=st.booleans())
    def append(
        self, who: str, talk: TalkRef, lines: list[Line], *, keep: bool, create: bool
    ) -> None:
        self.ask("append", who, talk, lines, keep=keep, create=create)

    @rule(target=keyed, who=callers, talk=refs, lines=lines)
    def append_once(self, who: str, talk: TalkRef, lines: list[Line]) -> Keyed:
        asked = Keyed(who, talk, lines, key=uuid4().hex)
        self.append_again(asked)
        return asked

    @rule(asked=keyed)
    def append_again(self, asked: Keyed) -> None:
        """What is left of the first answer, or the first one, if that was refused."""
        self.ask("append", asked.who, asked.talk, asked.lines, asked.key)

    @rule(who=callers, talk=refs, message=messages)
    def get(self, who: str, talk: TalkRef, message: MessageRef) -> None:
        self.ask("get", who, talk, message)

    @rule(
        who=callers,
        talk=refs,
        message=messages,
        content=st.text("ab🙂", max_size=3),
        append_only=rarely,
    )
    def put(
        self, who: str, talk: TalkRef, message: MessageRef, content: str, *, append_only: bool
    ) -> None:
        self.ask("put", who, talk, message, content, append_only=append_only)

    @rule(who=callers, talk=refs, message=messages)
    def put_twice(self, who: str, talk: TalkRef, message: MessageRef) -> None:
        """At one version: the second comes too late."""
        self.ask("put_twice", who, talk, message, "new")

    @rule(who=callers, talk=refs, message=messages)
    def remove(self, who: str, talk: TalkRef, message: MessageRef) -> None:
        self.ask("remove", who, talk, message)

    @rule(who=callers, talk=refs, before=st.integers(0, 4) | st.none())
    def clear(self, who: str, talk: TalkRef, before: int | None) -> None:
        self.ask("clear", who, talk, before)

    @rule(who=callers, talk=refs, archived=st.none() | st.booleans())
    def update(self, who: str, talk: TalkRef, *, archived: bool | None) -> None:
        title = None if archived else uuid4().hex[:8]
        self.ask("update", who, talk, title=title, archived=archived)

    @rule(who=callers, talk=refs, decided=rarely)
    def delete(self, who: str, talk: TalkRef, *, decided: bool) -> None:
        if decided:
            self.ask("delete", who, talk)

    @rule(
        who=people,
        page=pages,
        sort_by=st.sampled_from(SessionSort),
        archived=st.none() | st.booleans(),
    )
    def walk_sessions(
        self, who: str, page: PageRequest, sort_by: SessionSort, *, archived: bool | None
    ) -> None:
        """One direction is the other reversed, and each session is there once."""
        walks = []
        for sort_order in SortOrder:
            asked = SessionPageRequest(
                limit=page.limit,
                sort_by=sort_by,
                sort_order=sort_order,
                filters=SessionFilter(archived=archived),
            )
            titles = self.walked(who, asked)
            person = f"{who}-{self.strangers}"
            assert self.run(self.service.driver.walk(person, asked)) == titles
            walks.append(titles)
        assert walks[0] == walks[1][::-1]
        assert sorted(walks[0]) == self.model.titles(who, archived=archived)

    def walked(self, who: str, asked: SessionPageRequest) -> list[str]:
        titles: list[str] = []
        total, has_next = len(self.model.titles(who, archived=asked.filters.archived)), True
        while has_next:
            offset = len(titles)
            page = replace(asked, offset=offset)
            answer = self.run(self.service.driver.sessions(f"{who}-{self.strangers}", page))
            found, has_next = answer[0], answer[2]
            titles += found
            assert answer[1:] == (total, len(titles) < total, offset > 0 and total > 0)
        return titles

    @rule(
        who=callers,
        talk=refs,
        page=pages,
        place=st.sampled_from(["offset", "after", "before", "around"]),
        sort_by=st.sampled_from(MessageSort),
        sort_order=st.sampled_from(SortOrder),
    )
    def read(
        self,
        who: str,
        talk: TalkRef,
        page: PageRequest,
        place: str,
        sort_by: MessageSort,
        sort_order: SortOrder,
    ) -> None:
        at: dict[str, Any] = {place: page.offset}
        asked = MessagePageRequest(limit=page.limit, sort_by=sort_by, sort_order=sort_order, **at)
        self.ask("messages", who, talk, asked)


@pytest.mark.parametrize(
    ("backend", "driver"), [*((backend, "use cases") for backend in BACKENDS), ("memory", "http")]
)
def test_every_history_ends_as_the_model_says(backend: str, driver: str) -> None:
    with serving(backend, driver) as served:

        class ThisHistory(History):
            service = served

        case = ThisHistory.TestCase
        case.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
        case("runTest").runTest()
