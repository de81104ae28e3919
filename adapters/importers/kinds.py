"""The kinds of files that can be read, and how one is told from another."""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from itertools import chain
from types import ModuleType
from typing import Any

from adapters.importers import chatgpt, claude, librechat, open_webui, openai, own
from adapters.importers.files import Stream, begin_of
from adapters.importers.json_items import NotJson, json_items
from application.errors import StartRefused
from domain.transfer import Fault, Part


class Kind(StrEnum):
    CHATGPT = "chatgpt"
    CLAUDE = "claude"
    OPEN_WEBUI = "open-webui"
    LIBRECHAT = "librechat"
    OPENAI = "openai"
    CHAT_SESSIONS = "chat-sessions"


KINDS: Mapping[Kind, ModuleType] = {
    Kind.CHATGPT: chatgpt,
    Kind.CLAUDE: claude,
    Kind.OPEN_WEBUI: open_webui,
    Kind.LIBRECHAT: librechat,
    Kind.OPENAI: openai,
}
"""The modules that read items of JSON, in the order in which they are asked whether one is theirs:
what LibreChat has, OpenAI's might be taken for."""

_NONE = object()

Read = Callable[[Mapping[str, Any]], Iterator[Part]]


def parts_of(stream: Stream, kind: Kind | None = None) -> tuple[Kind, Iterator[Part]]:
    """What a stream of JSON holds, read as it goes, and of which kind that is, where it is not said
    by `kind`. Raises StartRefused if it is none that can be told."""
    if kind is Kind.CHAT_SESSIONS or (kind is None and own.is_own(begin_of(stream))):
        return Kind.CHAT_SESSIONS, chain.from_iterable(own.lines(stream))
    items = json_items(stream)
    if kind is not None:
        return kind, _parts(items, kind)
    try:
        first = next(items, _NONE)
    except NotJson as error:
        raise StartRefused(f"the file is not what can be imported: {error}") from None
    if first is _NONE:
        raise StartRefused("the file holds no conversation")
    kind = _kind_of(first)
    return kind, _parts(chain([first], items), kind)


def _kind_of(item: object) -> Kind:
    if isinstance(item, Mapping):
        for kind, module in KINDS.items():
            if module.recognizes(item):
                return kind
    raise StartRefused(f"the file is of no kind that is known: say --from {' | '.join(Kind)}")


def _parts(items: Iterator[Any], kind: Kind) -> Iterator[Part]:
    module = KINDS[kind]
    place = 0
    try:
        for place, item in enumerate(items, 1):
            if isinstance(item, Mapping) and module.recognizes(item):
                yield from module.parts(item)
            else:
                yield Fault(f"conversation {place} has no messages as {kind} has them", begins=True)
    except NotJson as error:
        yield Fault(f"after {place} conversations: {error}", begins=True)
    except RecursionError:
        yield Fault(f"conversation {place + 1} is nested too deep", begins=True)
