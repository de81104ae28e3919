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

from domain.errors import InvalidValue
from domain.message import CONTENT_MAX, Role, check_content
from domain.metadata import DEPTH_MAX, EMPTY, METADATA_MAX, Metadata, check_json
from domain.session import TITLE_MAX, trimmed_title
from entrypoints.http.serializers import rfc3339

UUID_V7 = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"

SESSION_ID = "01a20abe-9819-7728-aa45-2446966d66bb"
MESSAGE_ID = "01a20abe-9820-7a13-8f00-5d1a0c7f3b11"
CREATED = "2026-01-02T03:04:05.678901Z"
CHANGED = "2026-01-02T03:04:05.678903Z"
"""When the session of the examples was created, and when it got two messages."""

REQUEST_ID = "0d42bd2b-2c2f-4e88-996b-d416f6fc6f90"

_TRIMMED = rf"^\s*[^\s\u0000]([^\u0000]{{0,{TITLE_MAX - 2}}}[^\s\u0000])?\s*$"
"""The rule of a title before it is trimmed, as a schema can say it."""


def _text(value: object) -> str:
    """Refuse what is no string: Pydantic's error for an enumeration would repeat the value."""
    if not isinstance(value, str):
        raise InvalidValue("must be a string")
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
    str,
    AfterValidator(check_content),
    Field(
        description=f"What is said, 0 to {CONTENT_MAX:,} characters.",
        examples=["Where shall we stay?"],
        json_schema_extra={"maxLength": CONTENT_MAX, "pattern": r"^[^\u0000]*$"},
    ),
]
TitleInput = Annotated[
    str, AfterValidator(trimmed_title), Field(json_schema_extra={"pattern": _TRIMMED})
]
MetadataInput = Annotated[
    Metadata,
    PlainValidator(_metadata),
    WithJsonSchema({"anyOf": [{"type": "object", "additionalProperties": True}, {"type": "null"}]}),
    Field(
        description=f"A JSON object of your own, at most {METADATA_MAX:,} bytes as compact JSON "
        f"and {DEPTH_MAX} levels deep. It comes back with its keys in the order given. "
        "Absent or null, it is `{}`.",
        examples=[{"model": "small"}],
    ),
]
MetadataPatch = Annotated[dict[str, Any], AfterValidator(_checked)]

Id = Annotated[
    str,
    Field(json_schema_extra={"format": "uuid", "pattern": f"^{UUID_V7}$"}),
]
Timestamp = Annotated[
    datetime,
    PlainSerializer(rfc3339),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$",
        }
    ),
]
Title = Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": TITLE_MAX})]
MetadataOutput = Annotated[
    dict[str, Any],
    Field(description="The JSON object given.", examples=[{"model": "small"}]),
]
