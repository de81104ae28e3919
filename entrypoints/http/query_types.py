"""The types of query parameters that several routes share."""

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    GetPydanticSchema,
    model_validator,
)

from domain.errors import InvalidValue
from domain.page import OFFSET_MAX

T = TypeVar("T")

PLAIN_INTEGER = re.compile(r"0|[1-9][0-9]*")


def plain_integer(value: object) -> object:
    if isinstance(value, str) and not PLAIN_INTEGER.fullmatch(value):
        raise ValueError("must be an integer written in plain digits")
    return value


_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


def _boolean(value: object) -> object:
    """Read a boolean in the spelling of PHP's generated clients (1) and of Python (True) too."""
    if not isinstance(value, str):
        return value
    if value.lower() not in _BOOLEANS:
        raise ValueError("must be true or false")
    return _BOOLEANS[value.lower()]


def _bounded(place: int) -> int:
    if place > OFFSET_MAX:
        raise InvalidValue(f"must be 0 to {OFFSET_MAX}")
    return place


if TYPE_CHECKING:
    Maybe = Annotated[T | None, ...]
else:

    class Maybe:
        """A parameter that may be absent: `kind | None` to Pydantic, and no union to FastAPI, which
        would look into its members anew for each request."""

        def __class_getitem__(cls, kind: object) -> object:
            return Annotated[Any, GetPydanticSchema(lambda _, schema_of: schema_of(kind | None))]


Place = Annotated[
    int,
    BeforeValidator(plain_integer),
    AfterValidator(_bounded),
    Field(json_schema_extra={"maximum": OFFSET_MAX, "minimum": 0}),
]

Flag = Annotated[bool, BeforeValidator(_boolean)]


class Marked(StrEnum):
    """What a list has of those that have a mark: these, the others, or both."""

    TRUE = "true"
    FALSE = "false"
    ANY = "any"

    @property
    def wanted(self) -> bool | None:
        return None if self is Marked.ANY else self is Marked.TRUE


class OptionalQuery(BaseModel):
    """An empty parameter counts as absent: some clients write null so."""

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, given: dict[str, str]) -> dict[str, str]:
        return {name: value for name, value in given.items() if value or name.startswith(METADATA)}


METADATA = "metadata."
"""What a parameter's name begins with that is about a member of metadata, of which the rest is the
name."""
