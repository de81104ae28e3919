"""The lines of an export and of an import's answer: JSON objects, each with a line end (NDJSON)."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import msgspec

from application.export import Exported
from application.line_reader import FORMAT
from domain.message import Message
from domain.owner import Owner
from domain.session import Session
from domain.transfer import Discarded, Imported, LeftOut
from entrypoints.http.serializers import message_line, rfc3339, session_line
from entrypoints.version import VERSION

NDJSON = "application/x-ndjson"

PIECE_BYTES = 64 * 1024
"""Bytes that are sent at once, about."""


async def export_lines(
    parts: AsyncIterator[Exported], owner: Owner, now: datetime
) -> AsyncIterator[bytes]:
    """Serialize an export, in pieces of whole lines: a header, what there is, and a footer that
    says how much that was. Without the footer it is not whole."""
    piece = bytearray(
        _line(
            type="header",
            format=FORMAT,
            exported_at=rfc3339(now),
            user_id=owner.subject,
            issuer=owner.issuer,
            version=VERSION,
        )
    )
    sessions = messages = of_session = 0
    async for part in parts:
        match part:
            case Session():
                piece += session_line(part)
                sessions += 1
                of_session = 0
            case Message():
                piece += message_line(part)
                messages += 1
                of_session += 1
            case Discarded():
                piece += _line(type="discarded", id=str(part.session_id))
                sessions -= 1
                messages -= of_session
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece + _line(type="footer", sessions=sessions, messages=messages))


def imported_line(imported: Imported) -> bytes:
    """Serialize what became of one conversation."""
    session_id = imported.session_id
    return _line(
        external_id=imported.external_id,
        session_id=None if session_id is None else str(session_id),
        status=imported.outcome.value,
        messages=imported.messages,
        left_out=[_left_out(one) for one in imported.left_out],
    )


def _left_out(lost: LeftOut) -> dict[str, Any]:
    told: dict[str, Any] = {"reason": lost.reason, "count": lost.count}
    return told if lost.line is None else {**told, "line": lost.line}


def _line(**members: object) -> bytes:
    return msgspec.json.encode(members) + b"\n"
