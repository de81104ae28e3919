"""Conditional requests (RFC 9110 section 13) for sessions and pages of messages."""

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Annotated

from fastapi import Header
from pydantic import WithJsonSchema

from domain.session import Session
from entrypoints.http.problem_types import NO_ENTITY_TAG
from entrypoints.http.problems import Problem
from entrypoints.http.schema_types import CHANGED
from entrypoints.http.serializers import rfc3339

_ENTITY_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_ENCODING = re.compile(r"(-{1,2}|;)(gzip|br|zstd|deflate)$")
_LIST = re.compile(rf"[ \t,]*({_ENTITY_TAG.pattern}[ \t]*(,[ \t,]*|$))*")

_TagList = Annotated[
    Sequence[str], WithJsonSchema({"type": "string", "examples": [f'"{CHANGED}"']})
]

IfMatch = Annotated[
    _TagList,
    Header(
        alias="If-Match",
        description="Only if the session still has this ETag, or one of these by commas; else the "
        "answer is 412.",
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


def session_tag(session: Session) -> str:
    """Return a session's strong ETag: its version, which every change to it changes."""
    return f'"{rfc3339(session.last_updated)}"'


def page_tag(total: int) -> str:
    """Return the weak ETag that all pages share: the total suffices, as messages never change."""
    return f'W/"{total}"'


def is_known(tag: str, if_none_match: Sequence[str]) -> bool:
    """Whether the client holds it already, by weak comparison (section 8.8.3.2)."""
    known = ",".join(if_none_match).strip()
    return known == "*" or _opaque(tag) in map(_opaque, _tags(known))


def expected_versions(if_match: Sequence[str]) -> Collection[datetime] | None:
    """The versions that a change may be made at; None for any. Raises the Problem of 400 for what
    is no entity tag.

    A tag that a compressing proxy has weakened counts: versions are equal or they are not.
    """
    expected = ",".join(if_match).strip()
    if expected in {"", "*"}:
        return None
    tags = list(_tags(expected))
    if not tags:
        raise Problem(NO_ENTITY_TAG)
    return [version for tag in tags for version in _version(_opaque(tag))]


def _tags(header: str) -> Iterator[str]:
    """The tags of a list of them, and none of what is no such list."""
    found = _ENTITY_TAG.finditer(header if _LIST.fullmatch(header) else "")
    return (tag[0] for tag in found)


def _opaque(tag: str) -> str:
    """What is in a tag's quotes, without what proxies add there of their encoding."""
    return _ENCODING.sub("", tag.removeprefix("W/").strip('"'))


def _version(opaque: str) -> Sequence[datetime]:
    try:
        version = datetime.fromisoformat(opaque)
    except ValueError:
        return ()
    return (version,) if version.tzinfo and rfc3339(version) == opaque else ()
