"""What goes out of one service, on its way into another."""

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from application.line_reader import LineReader
from application.use_cases import UseCases
from domain.owner import Owner
from domain.transfer import Imported, Part
from entrypoints.http.line_writer import export_lines
from tests.clock import START

OWN_IDS = {"id", "session_id", "external_id", "user_id", "issuer", "exported_at"}
"""What an import gives anew, or says of whom and when it is."""


async def exported(do: UseCases, owner: Owner) -> list[dict[str, Any]]:
    """The lines of an export."""
    pieces = [piece async for piece in export_lines(do.export_sessions(owner), owner, START)]
    return [json.loads(line) for line in b"".join(pieces).splitlines()]


def but_for_ids(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in line.items() if name not in OWN_IDS} for line in lines]


def as_parts(lines: Iterable[dict[str, Any]]) -> list[Part]:
    """What the lines mean to an import."""
    reader = LineReader()
    return [part for line in lines for part in reader.read(json.dumps(line).encode())]


async def given(parts: Iterable[Part]) -> AsyncIterator[Part]:
    for part in parts:
        yield part


async def imported(
    do: UseCases, owner: Owner, lines: Iterable[dict[str, Any]], **options: Any
) -> list[Imported]:
    parts = given(as_parts(lines))
    return [one async for one in do.import_sessions(owner, parts, **options)]


def session(external_id: str, *said: dict[str, Any] | str, **more: Any) -> list[dict[str, Any]]:
    """The lines of a session, whose messages are named by what they say, or as they are given."""
    messages = [
        {"external_id": one, "content": one} if isinstance(one, str) else one for one in said
    ]
    return [
        {"type": "session", "external_id": external_id, **more},
        *({"type": "message", "role": "user", **one} for one in messages),
    ]
