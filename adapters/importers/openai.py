"""OpenAI's JSON Lines of `{"messages": […]}`, as for fine-tuning: nothing in them has an id or a
time, so a conversation is known by what is in it."""

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.importers.drafts import UNREADABLE, Said, digest_of, list_of
from domain.body import readable_text
from domain.errors import InvalidValue
from domain.framework_item import message_from_item
from domain.session import NewSession
from domain.transfer import Part, SessionStart

FORMAT = "openai.chat"


def recognizes(item: Mapping[str, Any]) -> bool:
    return isinstance(item.get("messages"), list)


def parts(item: Mapping[str, Any]) -> Iterator[Part]:
    yield SessionStart(NewSession(external_id=digest_of(item)))
    for message in list_of(item.get("messages")):
        if isinstance(message, Mapping):
            yield from _message(message)
        else:
            yield UNREADABLE


def _message(item: Mapping[str, Any]) -> Iterator[Part]:
    try:
        found = message_from_item({**item, "content": item.get("content")}, FORMAT)
    except InvalidValue:
        bare = message_from_item({"role": item.get("role")}, FORMAT)
        said = Said(item=item, format=FORMAT, role=bare.role, content=readable_text(item))
        yield from said.parts()
    else:
        yield found
