"""The lines of an export, read anew: JSON objects, each with its type."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.body import Body
from domain.errors import InvalidValue, in_field
from domain.external_id import check_external_id
from domain.instant import parse_instant
from domain.message import NewMessage
from domain.metadata import EMPTY, Metadata
from domain.session import NewSession
from domain.strict_json import JsonError, parse_document
from domain.transfer import Fault, LeftOut, Part, Restart, SessionStart

FORMAT = "chat-sessions/1"

_SESSION = {
    "title",
    "metadata",
    "external_id",
    "archived",
    "pinned",
    "created_at",
    "last_updated",
    "message_count",
    "id",
}
_MESSAGE = {
    "role",
    "content",
    "name",
    "format",
    "body",
    "metadata",
    "external_id",
    "timestamp",
    "edited_at",
}
_GIVEN_ANEW = {"type", "id", "user_id", "session_id", "message_order"}
"""What an export has that is not taken: the service says it itself."""

Members = Mapping[str, Any]


@dataclass(slots=True)
class LineReader:
    """Reads lines in turn, and keeps count of them."""

    line: int = 0

    def read(self, text: bytes) -> list[Part]:
        """Return what a line means for an import: nothing for an empty one, a header of this format
        or a footer."""
        self.line += 1
        if not text.strip():
            return []
        try:
            members = parse_document(text)
        except JsonError as error:
            return [Fault(_reason(error), self.line)]
        if not isinstance(members, dict):
            return [Fault("must be an object", self.line)]
        try:
            return self._parts(members)
        except InvalidValue as error:
            begins = members.get("type") == "session"
            return [Fault(_reason(error), self.line, begins, _external_id(members))]

    def too_long(self, longest: int) -> list[Part]:
        """Return what a line of more than `longest` bytes means."""
        self.line += 1
        return [Fault(f"the line has more than {longest} bytes", self.line)]

    def _parts(self, members: Members) -> list[Part]:
        match members.get("type"):
            case "session":
                return [*_start(members), *self._unknown(members, _SESSION)]
            case "message":
                return [_message(members), *self._unknown(members, _MESSAGE)]
            case "discarded":
                return [Restart()]
            case "header":
                if members.get("format") != FORMAT:
                    raise InvalidValue(f"must be {FORMAT}", "format")
                return []
            case "footer":
                return []
        raise InvalidValue("must be header, session, message, discarded or footer", "type")

    def _unknown(self, members: Members, known: set[str]) -> list[Part]:
        unknown = len(members.keys() - known - _GIVEN_ANEW)
        return [LeftOut("members that are not known", unknown, self.line)] if unknown else []


def _start(members: Members) -> list[Part]:
    count = members.get("message_count")
    if count is not None and (not isinstance(count, int) or isinstance(count, bool)):
        raise InvalidValue("must be a whole number", "message_count")
    exported_id = _optional(members, "id", _text)
    with in_field("id"):
        check_external_id(exported_id)
    new = NewSession(
        title=_optional(members, "title", _text),
        metadata=_optional(members, "metadata", Metadata.from_mapping) or EMPTY,
        external_id=_optional(members, "external_id", _text),
        created_at=_instant(members, "created_at"),
        last_updated=_instant(members, "last_updated"),
        archived=_optional(members, "archived", _flag) or False,
        pinned=_optional(members, "pinned", _flag) or False,
    )
    return [SessionStart(new, exported_id, count)]


def _message(members: Members) -> NewMessage:
    if "role" not in members:
        raise InvalidValue("is required", "role")
    return NewMessage(
        role=_optional(members, "role", _text),
        content=_optional(members, "content", _text),
        metadata=_optional(members, "metadata", Metadata.from_mapping) or EMPTY,
        name=_optional(members, "name", _text),
        external_id=_optional(members, "external_id", _text),
        format=_optional(members, "format", _text),
        body=_optional(members, "body", Body.from_mapping),
        timestamp=_instant(members, "timestamp"),
        edited_at=_instant(members, "edited_at"),
    )


def _instant(members: Members, name: str) -> datetime | None:
    found: datetime | None = _optional(members, name, parse_instant)
    return found


def _optional(members: Members, name: str, read: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - JSON may hold anything
    value = members.get(name)
    if value is None:
        return None
    with in_field(name):
        return read(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidValue("must be a string")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidValue("must be true or false")
    return value


def _external_id(members: Members) -> str | None:
    """The external id of what is refused, if it has one."""
    for name in ("external_id", "id"):
        with suppress(InvalidValue):
            found = _optional(members, name, _text)
            if found is not None:
                return check_external_id(found)
    return None


def _reason(error: InvalidValue | JsonError) -> str:
    if isinstance(error, InvalidValue) and error.field:
        return f"{error.field[0]} {error.detail}"
    return str(error)
