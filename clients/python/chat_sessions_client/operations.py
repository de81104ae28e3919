"""Every operation of the API: the request that it sends, and how its answer is read."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, NamedTuple, TypeVar, cast
from urllib.parse import quote, urlencode, urlsplit
from uuid import uuid4

import httpx2

from chat_sessions_client.errors import UnexpectedAnswer
from chat_sessions_client.shapes import (
    AnyMessageQuery,
    DeletionsResponse,
    ImportedSession,
    JsonObject,
    MessageResponse,
    SearchPageResponse,
    SearchQuery,
    SessionPage,
    SessionQuery,
    SessionResponse,
    SessionUpdate,
)
from chat_sessions_client.streams import json_line

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MessageRef = int | str
"""A message's `message_order`, "last", or `external(id)`."""

Again = Literal["always", "undone"]

NEWEST = 2**31 - 1
DELETIONS_MAX = 100
NDJSON = "application/x-ndjson"
_NO_NAMES = ("", ".", "..")
"""What would make a path another one."""
_NEXT = re.compile(r'<([^>]*)>; rel="next"')
_QUIET_SECONDS = 15
"""A stream of events is that long without a sign of life."""
_STORING_SECONDS = 60
"""An import may be, while what has come is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[T_co]):
    """A request that may be sent several times.

    It is sent again `always`, or `undone`: only if the first is known not to have been carried out.
    `is_removal` says that what it removes is not there thereafter. `quiet_seconds` are added to the
    time that it waits.
    """

    method: str
    path: str
    read: Callable[[httpx2.Response], T_co]
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    is_streamed: bool = False
    is_removal: bool = False
    again: Again = "always"
    quiet_seconds: float = 0

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path


class Tagged(NamedTuple, Generic[T]):
    """What was read, and the `ETag` that goes into `if_match`."""

    value: T
    etag: str


class Page(NamedTuple, Generic[T_co]):
    """A page, and the operation that reads the next one."""

    value: T_co
    following: "Operation[Page[T_co]] | None"


def external(id_: str) -> str:
    """Name a session or a message by its external id, wherever an id is taken."""
    return f"ext:{id_}"


def comes_again(ref: MessageRef) -> bool:
    """Whether another session or message may have this name, once this one is gone."""
    return isinstance(ref, str) and (ref == "last" or ref.startswith(external("")))


def create_session(body: Mapping[str, object], key: str | None) -> Operation[SessionResponse]:
    given = {name: value for name, value in body.items() if value is not None}
    return Operation(
        method="POST",
        path="/sessions",
        read=_session,
        **_body(given, {"Idempotency-Key": _key(key)}),
    )


def sessions(query: SessionQuery) -> Operation[Page[SessionPage]]:
    given = dict(query)
    wanted = cast("Mapping[str, object]", given.pop("metadata", None) or {})
    members = {f"metadata.{name}": json.dumps(value) for name, value in wanted.items()}
    return _paged(
        Operation(method="GET", path="/sessions", read=_page, query=_query({**given, **members}))
    )


def session(ref: str) -> Operation[SessionResponse]:
    return Operation(method="GET", path=_path(ref), read=_session)


def tagged(operation: Operation[T]) -> Operation[Tagged[T]]:
    """The same, with the tag of what is read."""

    def read(response: httpx2.Response) -> Tagged[T]:
        value, etag = operation.read(response), response.headers.get("ETag")
        if etag:
            return Tagged(value, etag)
        raise UnexpectedAnswer(f"{response.request.url.path} was answered without an ETag")

    return replace(cast("Operation[Any]", operation), read=read)


def change_session(
    ref: str, changes: SessionUpdate, if_match: str | None
) -> Operation[SessionResponse]:
    headers = {"Content-Type": "application/merge-patch+json", **_if_match(if_match)}
    return Operation(method="PATCH", path=_path(ref), read=_session, **_body(changes, headers))


def delete_session(ref: str, if_match: str | None) -> Operation[None]:
    return Operation(
        method="DELETE",
        path=_path(ref),
        read=_nothing,
        headers=_if_match(if_match),
        is_removal=True,
    )


def delete_sessions(
    refs: Sequence[str], *, everything: bool, dry_run: bool
) -> Operation[DeletionsResponse]:
    """After a lost answer, one of all sessions is not repeated: there may be new ones."""
    chosen: JsonObject = {"all": True} if everything else {}
    if refs or not everything:
        chosen |= {"session_ids": list(refs)}
    return Operation(
        method="POST",
        path="/sessions/deletions",
        read=_with(sessions=int, messages=int, dry_run=bool),
        again="undone" if everything and not dry_run else "always",
        **_body({**chosen, "dry_run": dry_run}),
    )


def append(
    ref: str,
    messages: Sequence[Mapping[str, object]],
    *,
    format_: str | None,
    create: bool,
    keep: bool,
    if_match: str | None,
    key: str | None,
) -> Operation[list[MessageResponse]]:
    given = {"messages": list(messages)} | ({} if format_ is None else {"format": format_})
    query = {"create": "true" if create else None, "existing": "keep" if keep else None}
    headers = {"Idempotency-Key": _key(key), **_if_match(if_match)}
    return Operation(
        method="POST",
        path=_path(ref, "messages"),
        query=_query(query),
        read=_items,
        **_body(given, headers),
    )


def messages(ref: str, query: AnyMessageQuery) -> Operation[Page[Any]]:
    return _paged(
        Operation(
            method="GET",
            path=_path(ref, "messages"),
            read=_page,
            query=_query(query),
            quiet_seconds=query.get("wait") or 0,
        )
    )


def walk(query: AnyMessageQuery) -> AnyMessageQuery:
    """Go by orders, not by offsets, which removals move; unless the query says where to begin.

    Raises ValueError where the query means one page, which has no end to walk to.
    """
    is_descending = query.get("sort_order") == "desc"
    wrong = {"around", "after" if is_descending else "before"} & query.keys()
    if wrong:
        raise ValueError(f"{wrong.pop()} is of one page: messages_page gives it")
    if query.keys() & {"offset", "after", "before"}:
        return query
    return {**query, "before": NEWEST} if is_descending else {**query, "after": 0}


def message(ref: str, of: MessageRef) -> Operation[MessageResponse]:
    return Operation(method="GET", path=_path(ref, "messages", of), read=_message)


def put_message(
    ref: str,
    of: MessageRef,
    given: Mapping[str, object],
    *,
    create: bool,
    if_match: str | None,
) -> Operation[MessageResponse]:
    headers = _if_match(if_match) | ({"If-None-Match": "*"} if create else {})
    path = _path(ref, "messages", of)
    return Operation(method="PUT", path=path, read=_message, **_body(given, headers))


def delete_message(
    ref: str, of: MessageRef, if_match: str | None
) -> Operation[MessageResponse | None]:
    """What was removed; None if that is not known, since the first answer was lost."""
    return Operation(
        method="DELETE",
        path=_path(ref, "messages", of),
        read=_message_if_any,
        headers=_if_match(if_match),
        is_removal=True,
    )


def clear_messages(ref: str, before: int, if_match: str | None) -> Operation[None]:
    return Operation(
        method="DELETE",
        path=_path(ref, "messages"),
        query=_query({"before": before}),
        read=_nothing,
        headers=_if_match(if_match),
        is_removal=True,
    )


def search(q: str, query: SearchQuery) -> Operation[Page[SearchPageResponse]]:
    return _paged(
        Operation(method="GET", path="/search", read=_page, query=_query({"q": q, **query}))
    )


def events(ref: str, after: int | None) -> Operation[httpx2.Response]:
    headers = {"Accept": "text/event-stream"}
    if after is not None:
        headers["Last-Event-ID"] = str(after)
    return Operation(
        method="GET",
        path=_path(ref, "events"),
        read=_whole,
        headers=headers,
        is_streamed=True,
        quiet_seconds=_QUIET_SECONDS,
    )


def check_events(response: httpx2.Response) -> None:
    """Raises UnexpectedAnswer where it is no stream of events, such as a proxy's page."""
    kind = response.headers.get("Content-Type", "")
    if not kind.startswith("text/event-stream"):
        path = response.request.url.path
        raise UnexpectedAnswer(f"{path} was answered by no events: {kind or 'no Content-Type'}")


def export(ref: str | None) -> Operation[httpx2.Response]:
    return Operation(
        method="GET",
        path="/export",
        query=_query({"session_id": ref}),
        read=_whole,
        headers={"Accept": NDJSON},
        is_streamed=True,
    )


def import_lines(content: bytes, *, named: bool) -> Operation[list[ImportedSession]]:
    """To go on where another attempt ended is what an import does, where sessions have names to be
    known by."""
    return Operation(
        method="POST",
        path="/import",
        read=_outcomes,
        headers={"Accept": NDJSON, "Content-Type": NDJSON},
        content=content,
        again="always" if named else "undone",
        quiet_seconds=_STORING_SECONDS,
    )


def _path(ref: str, *parts: MessageRef) -> str:
    names = [quote(str(part), safe="") for part in ("sessions", ref, *parts)]
    if any(name in _NO_NAMES for name in names):
        raise ValueError("an id has a character at least, and is not . or ..")
    return "/" + "/".join(names)


def _query(given: Mapping[str, object]) -> str:
    return urlencode({name: value for name, value in given.items() if value is not None})


def _key(given: str | None) -> str:
    if given == "":
        raise ValueError("an idempotency key has a character at least")
    return given or str(uuid4())


def _if_match(etag: str | None) -> dict[str, str]:
    if etag == "":
        raise ValueError("an if_match has a character at least")
    return {} if etag is None else {"If-Match": etag}


def _body(value: object, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Text goes as UTF-8, but for lone surrogates, which UTF-8 has no bytes for."""
    try:
        content = json.dumps(
            value, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        ).encode()
    except UnicodeEncodeError:
        content = json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    return {"content": content, "headers": {"Content-Type": "application/json", **(headers or {})}}


def _json(response: httpx2.Response) -> Any:  # noqa: ANN401 - the operation says what it is
    """Raises UnexpectedAnswer where it is no JSON object."""
    try:
        value = json.loads(response.content)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        return value
    what = f"{response.status_code}, {response.headers.get('Content-Type')}"
    raise UnexpectedAnswer(f"{response.request.url.path} was answered by no JSON object: {what}")


def _list(response: httpx2.Response) -> Any:  # noqa: ANN401 - likewise
    value = _json(response)
    if isinstance(value.get("items"), list):
        return value
    raise UnexpectedAnswer(f"{response.request.url.path} was answered without its items")


def _page(response: httpx2.Response) -> Any:  # noqa: ANN401 - likewise
    value = _list(response)
    if isinstance(value.get("pagination"), dict):
        return value
    raise UnexpectedAnswer(f"{response.request.url.path} was answered without its pagination")


def _message_if_any(response: httpx2.Response) -> Any:  # noqa: ANN401 - likewise
    return _message(response) if response.content else None


def _items(response: httpx2.Response) -> list[MessageResponse]:
    return cast("list[MessageResponse]", _list(response)["items"])


def _outcomes(response: httpx2.Response) -> list[ImportedSession]:
    told = [json_line(line) for line in response.content.splitlines()]
    if all(isinstance(one, dict) and isinstance(one.get("left_out"), list) for one in told):
        return cast("list[ImportedSession]", told)
    raise UnexpectedAnswer(f"{response.request.url.path} was not answered by what became of it")


def _with(**members: type) -> Callable[[httpx2.Response], Any]:
    """What bears these members of these types, by which it is named."""

    def read(response: httpx2.Response) -> Any:  # noqa: ANN401 - likewise
        value = _json(response)
        missing = [name for name, of in members.items() if not _is(value.get(name), of)]
        if missing:
            path = response.request.url.path
            raise UnexpectedAnswer(f"{path} was answered without its {missing[0]}")
        return value

    return read


def _is(value: object, of: type) -> bool:
    """Whether it is of that very type, and goes into a path."""
    return type(value) is of and value not in _NO_NAMES


_session = _with(id=str)
_message = _with(session_id=str, message_order=int)


def _nothing(_: httpx2.Response) -> None:
    return None


def _whole(response: httpx2.Response) -> httpx2.Response:
    return response


def _paged(operation: Operation[T]) -> Operation[Page[T]]:
    """The next page is that of the cursor where there is one, or else the one that the link says,
    of which only the query is taken: the service may be known by another name here."""

    def read(response: httpx2.Response) -> Page[T]:
        value: Any = operation.read(response)
        query = None
        cursor = value["pagination"].get("next_cursor")
        link = _NEXT.search(response.headers.get("Link", ""))
        if cursor:
            query = _with_cursor(response.request.url.query.decode(), cursor)
        elif link:
            query = urlsplit(link[1]).query
        following = None if query is None else replace(paged, query=query, quiet_seconds=0)
        return Page(value, following)

    paged: Operation[Page[T]] = replace(cast("Operation[Any]", operation), read=read)
    return paged


def _with_cursor(query: str, cursor: str) -> str:
    kept = [part for part in query.split("&") if part and not part.startswith(_PLACES)]
    return "&".join([*kept, f"cursor={cursor}"])


_PLACES = ("cursor=", "offset=")
