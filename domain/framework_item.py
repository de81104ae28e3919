"""Messages out of what frameworks and model APIs call a message, an item or an event."""

import re
from collections.abc import Callable, Iterator, Mapping

from domain.body import Body, readable_text
from domain.errors import InvalidValue, in_field
from domain.external_id import check_external_id
from domain.message import CONTENT_MAX, NewMessage, Role, check_name
from domain.strict_json import JsonValue

_ROLES = {
    "user": Role.USER,
    "human": Role.USER,
    "system": Role.SYSTEM,
    "developer": Role.DEVELOPER,
    **dict.fromkeys(("assistant", "ai", "model", "bot"), Role.ASSISTANT),
}
_TOOL = re.compile(
    r"tools?|functions?|(.*_)?(tool|function|call)(_.*)?_(results?|outputs?|responses?|returns?)"
)
_CALL = re.compile(r".*(tool|function).*|.*_call(_output)?")
"""Of an item whose name, where it has one, is the tool's."""

_WORDS = re.compile(r"[-. ]|(?<=[a-z0-9])(?=[A-Z])")
"""What lies between the words of a role or a type."""

_REFERENCE = "item_reference"
"""The type of an item whose id is another's (OpenAI's Responses API)."""

NO_IDS = ("__fake_id__", "FAKE_ID")
"""What OpenAI's Agents SDKs in Python and JavaScript give every item of a model without ids."""

_ENDING = re.compile(r"(_message)?(_chunk)?$")


def message_from_item(item: Mapping[str, JsonValue], format_: str) -> NewMessage:
    """A message whose body is the item, with the role, name and external id read out of it.

    The role is said by the first of `role`, `type`, `sender` and `author` that has a word for one,
    and is the assistant's where none has. A name that is a tool's, and a name or an id that could
    not be stored, is not taken. Raises InvalidValue for what no body can hold.
    """
    with in_field("body"):
        body = Body.from_mapping(item)
    return NewMessage(
        _role(item),
        readable_text(item)[:CONTENT_MAX],
        body=body,
        format=format_,
        name=None if _is_of_a_tool(item) else _label(item.get("name"), check_name),
        external_id=_external_id(item),
    )


def _external_id(item: Mapping[str, JsonValue]) -> str | None:
    id_ = _label(item.get("id"), check_external_id)
    return None if id_ in NO_IDS or item.get("type") == _REFERENCE else id_


def _role(item: Mapping[str, JsonValue]) -> Role:
    for word in _words(item, "role", "type", "sender", "author"):
        if word in _ROLES:
            return _ROLES[word]
        if _TOOL.fullmatch(word):
            return Role.TOOL
    return Role.ASSISTANT


def _is_of_a_tool(item: Mapping[str, JsonValue]) -> bool:
    if "arguments" in item or _role(item) is Role.TOOL:
        return True
    return any(_CALL.fullmatch(word) for word in _words(item, "role", "type"))


def _words(item: Mapping[str, JsonValue], *names: str) -> Iterator[str]:
    """What members of these names say of who speaks, in one spelling."""
    for name in names:
        word = item.get(name)
        if isinstance(word, Mapping):
            word = word.get("role")
        if isinstance(word, str):
            yield _ENDING.sub("", _WORDS.sub("_", word.strip()).lower())


def _label(value: JsonValue, check: Callable[[str], str | None]) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return check(value)
    except InvalidValue:
        return None
