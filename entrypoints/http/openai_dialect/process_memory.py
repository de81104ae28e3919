"""What a process remembers of the dialect's requests, each for a short while."""

from dataclasses import dataclass, field

from starlette.requests import Request

from entrypoints.http.openai_dialect.conversation_writers import ConversationWriters
from entrypoints.http.openai_dialect.page_edges import PageEdges
from entrypoints.http.openai_dialect.refused_tries import RefusedTries


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    writers: ConversationWriters = field(default_factory=ConversationWriters)
    refused: RefusedTries = field(default_factory=RefusedTries)
    edges: PageEdges = field(default_factory=PageEdges)


def process_memory(request: Request) -> ProcessMemory:
    memory: ProcessMemory = request.app.state.openai_dialect
    return memory
