"""What names a session or a message in a path: an id, an order, or `ext:` and an external id."""

import re
from urllib.parse import quote, unquote, unquote_to_bytes
from uuid import UUID

from starlette.types import Scope

from domain.errors import InvalidValue, MessageNotFound, SessionNotFound
from domain.external_id import ExternalId
from domain.message import LAST, MessageRef
from domain.page import OFFSET_MAX
from domain.session import SessionRef
from entrypoints.http.schema_types import UUID_V7

EXTERNAL = "ext:"

_ID = re.compile(UUID_V7, re.IGNORECASE)
_ORDER = re.compile(r"[1-9][0-9]{0,9}")

_ENCODED_SLASH = b"%2f"


def session_ref(segment: str) -> SessionRef:
    """Parse a path's decoded segment. Raises SessionNotFound for what can name no session."""
    if segment.startswith(EXTERNAL):
        try:
            return ExternalId(segment.removeprefix(EXTERNAL))
        except InvalidValue:
            raise SessionNotFound from None
    if not _ID.fullmatch(segment):
        raise SessionNotFound
    return UUID(segment)


def message_ref(segment: str) -> MessageRef:
    """Parse a path's decoded segment. Raises MessageNotFound for what can name no message."""
    if segment == LAST.value:
        return LAST
    if segment.startswith(EXTERNAL):
        try:
            return ExternalId(segment.removeprefix(EXTERNAL))
        except InvalidValue:
            raise MessageNotFound from None
    if not _ORDER.fullmatch(segment) or int(segment) > OFFSET_MAX:
        raise MessageNotFound
    return int(segment)


def session_path(session: SessionRef) -> str:
    """The path of a session, as a link has it."""
    if isinstance(session, ExternalId):
        return f"/sessions/{EXTERNAL}{quote(session.value, safe='')}"
    return f"/sessions/{session}"


def routing_path(scope: Scope) -> str:
    """The path that routes are matched against: decoded, but for slashes within a segment, which
    are no separators (RFC 3986 section 2.2)."""
    raw: bytes = scope.get("raw_path") or b""
    if _ENCODED_SLASH not in raw.lower():
        return str(scope["path"])
    segments = raw.decode("latin-1").split("/")
    return "/".join(unquote(segment).replace("/", "%2F") for segment in segments)


def path_parameters(scope: Scope) -> dict[str, str]:
    """The parameters of a matched route's path, each decoded from its own segment.

    Bytes that are not UTF-8 become lone surrogates, which no id has.
    """
    given: dict[str, str] = scope["path_params"]
    raw: bytes = scope.get("raw_path") or b""
    if b"%" not in raw:
        return given
    template = scope["route"].path_format.split("/")
    segments = raw.split(b"/")
    if len(segments) != len(template):
        return given
    decoded = {
        name[1:-1]: unquote_to_bytes(segment).decode(errors="surrogateescape")
        for name, segment in zip(template, segments, strict=True)
        if name.startswith("{")
    }
    return given | decoded
