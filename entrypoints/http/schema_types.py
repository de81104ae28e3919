"""The types of fields that the schemas share. The domain's rules validate their values."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)

from domain.body import BODY_MAX_DEFAULT, Body, check_format
from domain.errors import InvalidValue
from domain.external_id import EXTERNAL_ID_MAX, check_external_id
from domain.instant import parse_instant
from domain.message import CONTENT_MAX, NAME_MAX, Role, check_content, check_name
from domain.metadata import DEPTH_MAX, EMPTY, METADATA_MAX, Metadata, check_json
from domain.session import trimmed_title
from entrypoints.http.serializers import rfc3339

UUID_V7 = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"

CURSOR = r"^[A-Za-z0-9_-]*$"
CURSOR_MAX = 100
CURSOR_EXAMPLE = "AQgABkde9ldPNwGiCr6YGXcoqkUkRpZtZrs"

SESSION_ID = "01a20abe-9819-7728-aa45-2446966d66bb"
MESSAGE_ID = "01a20abe-9820-7a13-8f00-5d1a0c7f3b11"
CREATED = "2026-01-02T03:04:05.678901Z"
CHANGED = "2026-01-02T03:04:05.678903Z"
"""When the session of the examples was created, and when it got two messages."""

REQUEST_ID = "0d42bd2b-2c2f-4e88-996b-d416f6fc6f90"


def _text(value: object) -> str:
    """Refuse what is no string: Pydantic's error for an enumeration would repeat the value."""
    if not isinstance(value, str):
        raise InvalidValue("must be a string")
    return value


def _body(value: Any) -> Body | None:  # noqa: ANN401 - JSON may hold anything
    return None if value is None else Body.from_mapping(value)


def _item(value: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON may hold anything
    if not isinstance(value, dict):
        raise InvalidValue("must be an object")
    return value


def _checked(value: dict[str, Any]) -> dict[str, Any]:
    check_json(value)
    return value


def _metadata(value: Any) -> Metadata:  # noqa: ANN401 - JSON may hold anything
    return EMPTY if value is None else Metadata.from_mapping(value)


RoleInput = Annotated[
    Role,
    Field(strict=False, description="Who says it.", examples=[Role.USER]),
    BeforeValidator(_text),
]
ContentInput = Annotated[
    Annotated[str, AfterValidator(check_content)] | None,
    Field(
        description=f"The readable text, 0 to {CONTENT_MAX:,} characters. It may be absent where "
        "there is a `body`, and is then what a person can read of that.",
        examples=["Where shall we stay?"],
    ),
]
TitleInput = Annotated[str, AfterValidator(trimmed_title)]
NameInput = Annotated[
    Annotated[str, AfterValidator(check_name)] | None,
    Field(
        description=f"Which of several agents or people speaks, 1 to {NAME_MAX} characters.",
        examples=["Planner"],
    ),
]
ExternalIdInput = Annotated[
    Annotated[str, AfterValidator(check_external_id)] | None,
    Field(
        description=f"An id of your own, 1 to {EXTERNAL_ID_MAX} printable characters with no space "
        "at the ends. It never changes, and `ext:` with it stands wherever an id does in a path.",
        examples=["chat-42"],
    ),
]
FormatInput = Annotated[
    Annotated[str, AfterValidator(check_format)] | None,
    Field(
        description="A label of yours for the format of the `body`: 1 to 64 of a-z, 0-9 and "
        "`._/+-`, the first a letter or a digit. The service never acts on it.",
        examples=["openai.chat"],
    ),
]


def instant_or_none(value: object) -> datetime | None:
    """Return the time that is written there, if one is."""
    try:
        return parse_instant(value)
    except InvalidValue:
        return None


TimestampInput = Annotated[
    datetime | None,
    PlainValidator(lambda value: None if value is None else parse_instant(value)),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}),
]
_OBJECT = {"type": "object", "additionalProperties": True}
BodyInput = Annotated[
    Body | None,
    PlainValidator(_body),
    WithJsonSchema({"anyOf": [_OBJECT, {"type": "null"}]}),
    Field(
        description="The message as a framework or a model API has it: any JSON object, at most "
        f"{BODY_MAX_DEFAULT:,} bytes as compact JSON unless the operator has set another limit, "
        f"and {DEPTH_MAX} levels deep. It comes back as the same JSON value, to the digit.",
        examples=[{"role": "user", "content": "Where shall we stay?"}],
    ),
]
Item = Annotated[dict[str, Any], PlainValidator(_item), WithJsonSchema(_OBJECT)]
MetadataInput = Annotated[
    Metadata,
    PlainValidator(_metadata),
    WithJsonSchema({"anyOf": [_OBJECT, {"type": "null"}]}),
    Field(
        description=f"A JSON object of your own, at most {METADATA_MAX:,} bytes as compact JSON "
        f"and {DEPTH_MAX} levels deep. It comes back with its keys in the order given. "
        "Absent or null, it is `{}`.",
        examples=[{"model": "small"}],
    ),
]
MetadataPatch = Annotated[dict[str, Any], AfterValidator(_checked)]

Timestamp = Annotated[
    datetime,
    PlainSerializer(rfc3339),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
MetadataOutput = Annotated[
    dict[str, Any],
    Field(description="The JSON object given.", examples=[{"model": "small"}]),
]
