"""Streams of events, read as a client reads them (WHATWG HTML, "Server-sent events")."""

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """One block of a stream; a comment has its text under `""`."""

    fields: dict[str, str]

    @property
    def name(self) -> str:
        return self.fields.get("event", "")

    @property
    def id(self) -> str | None:
        return self.fields.get("id")

    @property
    def data(self) -> Any:
        return json.loads(self.fields["data"])

    def __str__(self) -> str:
        """In short, as tests write it."""
        match self.name:
            case "message" | "replaced":
                return f"{self.name} {self.data['message_order']} {self.data['content']}"
            case "removed":
                return " ".join(["removed", *(f"{k} {v}" for k, v in self.data.items())])
            case "session":
                return f"session {self.data['title']}"
        return f"id {self.id}" if self.id else self.fields.get("", "")


def events(lines: Iterable[str]) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in lines:
        if not line:
            yield Event(fields)
            fields = {}
            continue
        name, _, value = line.partition(": ")
        assert name not in fields, fields
        fields[name] = value
    assert not fields


async def arriving(lines: AsyncIterator[str]) -> AsyncIterator[Event]:
    fields: dict[str, str] = {}
    async for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        else:
            yield Event(fields)
            fields = {}
