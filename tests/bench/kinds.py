"""The kinds of requests that are measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench import items, seeds
from tests.bench.client import CONNECTIONS
from tests.bench.people import CREATION, CREATORS, READERS, SAID, WRITERS, People

LIMIT = 50
LIST = f"/sessions?limit={LIMIT}"


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    requests: Callable[[People], Sequence[bytes]]
    status: int = 200
    count: int = 304
    """Requests in a turn."""
    ours_alone: bool = False
    """The release before has no such thing, nor has what is typical."""

    @property
    def writes(self) -> bool:
        return self.status == 201


def page_path(people: People, who: str) -> str:
    return f"{session_path(people, who)}/messages?limit={LIMIT}"


def session_path(people: People, who: str) -> str:
    return f"/sessions/{people.session(who)}"


def _pages(people: People) -> Sequence[bytes]:
    return [people.get(who, page_path(people, who)) for who in _names(READERS)]


def _bodies(people: People) -> Sequence[bytes]:
    return [people.get(seeds.AGENT, page_path(people, seeds.AGENT))] * CONNECTIONS


def _puts(people: People) -> Sequence[bytes]:
    paths = {who: f"{session_path(people, who)}/messages/7" for who in _names(WRITERS)}
    return [people.put(who, path, SAID) for who, path in paths.items()]


def _polls(people: People) -> Sequence[bytes]:
    paths = {who: page_path(people, who) for who in _names(READERS)}
    tags = {who: people.answer(who, path).headers["etag"] for who, path in paths.items()}
    return [people.get(who, path, **{"If-None-Match": tags[who]}) for who, path in paths.items()]


def _list(people: People) -> Sequence[bytes]:
    return [people.get(seeds.LISTER, LIST)] * CONNECTIONS


def _sessions(people: People) -> Sequence[bytes]:
    return [people.get(who, session_path(people, who)) for who in _names(READERS)]


def _creations(people: People) -> Sequence[bytes]:
    return [people.post(who, "/sessions", CREATION) for who in _names(CREATORS)]


def _empty_creations(people: People) -> Sequence[bytes]:
    created = {name: value for name, value in CREATION.items() if name != "messages"}
    return [people.post(who, "/sessions", created) for who in _names(CREATORS)]


def _appends(size: int) -> Callable[[People], Sequence[bytes]]:
    def requests(people: People) -> Sequence[bytes]:
        body = {"messages": [SAID] * size}
        paths = {who: f"{session_path(people, who)}/messages" for who in _names(WRITERS)}
        return [people.post(who, path, body) for who, path in paths.items()]

    return requests


def _names(numbers: range) -> Sequence[str]:
    return [seeds.person(number) for number in numbers]


KINDS = {
    "page": Kind(f"page of {LIMIT}", _pages),
    "list": Kind(f"list of {LIMIT} sessions", _list),
    "session": Kind("one session", _sessions),
    "create": Kind("create", _creations, 201),
    "append": Kind("append one", _appends(1), 201),
    "append-100": Kind("append 100", _appends(100), 201, 64),
    "bodies": Kind(f"page of {LIMIT} with bodies", _bodies, ours_alone=True),
    "put": Kind("put", _puts, ours_alone=True),
    "poll": Kind("304 poll", _polls, 304),
    "items": Kind("list items by OpenAI's API", items.list_in_dialect, ours_alone=True),
    "add-items": Kind("add items by OpenAI's API", items.add_in_dialect, ours_alone=True),
}

NATIVE = {
    "items": Kind("list of the same", items.list_natively),
    "add-items": Kind("append of the same", items.add_natively, 201),
}
"""What OpenAI's API is held against: the service's own, asked for the same items."""

EMPTY_CREATE = Kind("create without a message", _empty_creations, 201)
