"""Conditional requests (RFC 9110 section 13) for sessions, messages and pages of messages."""

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Header
from pydantic import WithJsonSchema

from domain.message import Message
from domain.session import Session, Version
from entrypoints.http.problem_types import NO_ENTITY_TAG
from entrypoints.http.problems import Problem, in_header, invalid
from entrypoints.http.schema_types import CHANGED
from entrypoints.http.serializers import rfc3339

_ENTITY_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_ENCODING = re.compile(r"(-{1,2}|;)(gzip|br|zstd|deflate)$")
_LIST = re.compile(rf"[ \t,]*({_ENTITY_TAG.pattern}[ \t]*(,[ \t,]*|$))*")

_VERSION = re.compile(r"(.*Z)(?:\.([1-9][0-9]{0,8}))?-([0-9a-f]{12})")

V = TypeVar("V")

Expected = Collection[tuple[V, str]] | None
"""Versions that a change may be made at, each with the mark of what has it; None for any."""

_TagList = Annotated[
    Sequence[str], WithJsonSchema({"type": "string", "examples": [f'"{CHANGED}"']})
]

IfMatch = Annotated[
    _TagList,
    Header(
        alias="If-Match",
        description="Only if the ETag is still this, or one of these by commas; else the answer is "
        "412, with the ETag that holds now.",
    ),
]
IfNoneMatch = Annotated[
    _TagList,
    Header(
        alias="If-None-Match",
        description="Only if the ETag is another than this, or these by commas; else the answer is "
        "304, without a body.",
    ),
]
IfNone = Annotated[
    Annotated[Sequence[str], WithJsonSchema({"type": "string", "examples": ["*"]})],
    Header(
        alias="If-None-Match",
        description="`*` alone: only if there is no such message; else the answer is 412.",
    ),
]


def session_tag(session: Session) -> str:
    """Return a session's strong ETag: its version, which every change to it changes, and a mark of
    its own, since another may come to have its external id and its times."""
    changed, revision = session.version
    revised = f".{revision}" if revision else ""
    return f'"{rfc3339(changed)}{revised}-{_mark(session.id)}"'


def message_tag(message: Message) -> str:
    """Return a message's strong ETag: its version, which every replacement changes, and a mark of
    its own, since another may come to have its external id and its time."""
    return f'"{rfc3339(message.version)}-{_mark(message.id)}"'


def page_tag(last_updated: datetime, session_id: UUID) -> str:
    """Return the weak ETag that all pages of a session's messages share."""
    return f'W/"{rfc3339(last_updated)}-{_mark(session_id)}"'


def is_known(tag: str, if_none_match: Sequence[str]) -> bool:
    """Whether the client holds it already, by weak comparison (section 8.8.3.2)."""
    known = ",".join(if_none_match).strip()
    return known == "*" or _opaque(tag) in map(_opaque, _tags(known))


def expected_sessions(if_match: Sequence[str], *, removes: bool = False) -> Expected[Version]:
    """The versions of sessions that a change may be made at.

    A tag that a compressing proxy has weakened counts: versions are equal or they are not. Raises a
    Problem: 400 for what is no entity tag, 422 for an empty one in a request that
    `removes`.
    """
    expected = ",".join(if_match).strip()
    if removes and if_match and not expected:
        raise invalid([in_header("must not be empty where it decides what is removed", "If-Match")])
    if expected in {"", "*"}:
        return None
    tags = list(_tags(expected))
    if not tags:
        raise Problem(NO_ENTITY_TAG)
    return [found for tag in tags for found in _versions(_opaque(tag))]


def expected_messages(if_match: Sequence[str], *, removes: bool = False) -> Expected[datetime]:
    """The versions of messages that a change may be made at, on the same terms."""
    expected = expected_sessions(if_match, removes=removes)
    if expected is None:
        return None
    return [(version.last_updated, mark) for version, mark in expected]


def versions_of(expected: Collection[tuple[V, str]], id_: UUID) -> Collection[V]:
    """Those of the expected versions that are of the session or message with that id."""
    return [version for version, mark in expected if mark == _mark(id_)]


def asks_for_any(condition: Sequence[str]) -> bool:
    """Whether If-Match or If-None-Match is about whether there is anything at all."""
    return ",".join(condition).strip() == "*"


def asks_for_none(if_none_match: Sequence[str]) -> bool:
    """Whether a write is to happen only where there is nothing. Raises a Problem, 422, for what is
    neither that nor empty."""
    asked = ",".join(if_none_match).strip()
    if asked not in {"", "*"}:
        raise invalid([in_header("takes * alone here", "If-None-Match")])
    return asked == "*"


def _mark(id_: UUID) -> str:
    """The random end of a UUIDv7 (RFC 9562 section 5.7)."""
    return id_.hex[-12:]


def _tags(header: str) -> Iterator[str]:
    """The tags of a list of them, and none of what is no such list."""
    found = _ENTITY_TAG.finditer(header if _LIST.fullmatch(header) else "")
    return (tag[0] for tag in found)


def _opaque(tag: str) -> str:
    """What is in a tag's quotes, without what proxies add there of their encoding."""
    return _ENCODING.sub("", tag.removeprefix("W/").strip('"'))


def _versions(opaque: str) -> Sequence[tuple[Version, str]]:
    found = _VERSION.fullmatch(opaque)
    if not found:
        return ()
    return [(Version(changed, int(found[2] or 0)), found[3]) for changed in _instants(found[1])]


def _instants(opaque: str) -> Sequence[datetime]:
    try:
        version = datetime.fromisoformat(opaque)
    except ValueError:
        return ()
    return (version,) if version.tzinfo and rfc3339(version) == opaque else ()
