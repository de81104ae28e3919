"""Conversations as they are read, before the domain's rules have cut them to what can be stored."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from domain.body import Body
from domain.errors import InvalidValue
from domain.external_id import EXTERNAL_ID_MAX, check_external_id
from domain.instant import parse_instant
from domain.json_object import canonical_text
from domain.message import CONTENT_MAX, NewMessage, Role, check_name
from domain.metadata import EMPTY, Metadata
from domain.session import TITLE_MAX, NewSession
from domain.strict_json import Number
from domain.text import is_blank
from domain.transfer import LeftOut, Part, SessionStart

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

_MILLISECONDS = 1e11
"""A number of seconds that is so large is one of milliseconds: the other is the year 5138."""

FILES = LeftOut("files, which the export does not hold: the body names them")
HIDDEN = LeftOut("hidden messages, which nobody was shown")
UNREADABLE = LeftOut("messages that have not the form of a message")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message as it is read. `item` is the original."""

    item: Mapping[str, Any]
    format: str
    role: Role
    content: str
    external_id: object = None
    at: object = None
    name: object = None
    files: int = 0

    def parts(self) -> Iterator[Part]:
        """The message as it can be stored, after what is left out of it."""
        yield LeftOut(FILES.reason, self.files)
        content = _UNSTORABLE.sub("", self.content)
        if len(content) > CONTENT_MAX:
            yield LeftOut(f"text beyond {CONTENT_MAX} characters of a message")
        body, format_ = None, None
        try:
            body, format_ = Body.from_mapping(self.item), self.format
        except InvalidValue as error:
            yield LeftOut(f"original messages, each of which {error.detail}")
        at = instant(self.at)
        if at is None and self.at is not None:
            yield LeftOut("times that cannot be read")
        yield NewMessage(
            self.role,
            content[:CONTENT_MAX],
            name=_checked(self.name, check_name),
            external_id=_checked(self.external_id, check_external_id),
            format=format_,
            body=body,
            timestamp=at,
        )


@dataclass(frozen=True, slots=True)
class Node:
    """A message in its place: `parent` is the id of the one before it, None for the first."""

    id: str
    parent: str | None
    at: datetime | None
    item: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A conversation as it is read. `current` is the id of the last message of its branch that
    counts, where that is said."""

    external_id: object
    title: object = None
    created_at: object = None
    last_updated: object = None
    archived: bool = False
    pinned: bool = False
    nodes: Mapping[str, Node] = field(default_factory=dict)
    current: object = None

    def start(self, branch: str | None = None) -> Iterator[Part]:
        """What the session of the conversation begins with, or that of one of its other branches,
        which is named after its last message."""
        known = _external_id(self.external_id)
        metadata, external_id = EMPTY, known
        if branch is not None:
            metadata = Metadata.from_mapping({"branch_of": known})
            external_id = _external_id(f"{known}:{branch}")
        title = _UNSTORABLE.sub("", self.title).strip() if isinstance(self.title, str) else ""
        yield SessionStart(
            NewSession(
                title=None if is_blank(title) else title[:TITLE_MAX].strip(),
                metadata=metadata,
                external_id=external_id,
                created_at=instant(self.created_at),
                last_updated=instant(self.last_updated),
                archived=self.archived,
                pinned=self.pinned,
            )
        )
        if len(title) > TITLE_MAX:
            yield LeftOut(f"the end of a title of more than {TITLE_MAX} characters")


def digest_of(item: Mapping[str, Any]) -> str:
    """What a conversation is known by that has no id: the same for the same JSON value."""
    canonical = canonical_text(item).encode("utf-8", "surrogatepass")
    return f"sha256:{sha256(canonical).hexdigest()}"


def instant(value: object) -> datetime | None:
    """A time as exports have it: seconds or milliseconds since 1970, or text."""
    if isinstance(value, Number):
        value = float(value.text)
    if isinstance(value, bool) or value is None:
        return None
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000 if value > _MILLISECONDS else value, UTC)
        if isinstance(value, str) and re.fullmatch(r"[0-9:.T -]{19,26}", value):
            value += "Z"  # without an offset it is UTC
        return parse_instant(value)
    except (InvalidValue, ValueError, OverflowError, OSError):
        return None


def text_of(value: object) -> str:
    return value if isinstance(value, str) else ""


def mapping_of(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def list_of(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _external_id(value: object) -> str | None:
    text = value if isinstance(value, str) else ""
    return _checked(text[:EXTERNAL_ID_MAX], check_external_id)


def _checked(value: object, check: Any) -> str | None:  # noqa: ANN401 - a check of text
    if not isinstance(value, str) or not value:
        return None
    try:
        checked: str | None = check(value)
    except InvalidValue:
        return None
    return checked
