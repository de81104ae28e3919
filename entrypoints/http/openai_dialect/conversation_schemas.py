"""What requests of OpenAI's Conversations API may hold."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from domain.errors import InvalidValue, MessageNotFound
from domain.metadata import EMPTY, Metadata
from domain.page import SortOrder
from entrypoints.http.openai_dialect.conversation_ids import ItemRef, item_ref
from entrypoints.http.query_types import Maybe, OptionalQuery, plain_integer
from entrypoints.http.schema_types import Item

ITEMS_MAX = 20
"""Items that one request may add."""

PAIRS_MAX = 16
KEY_MAX = 64
VALUE_MAX = 512

LIMIT_DEFAULT = 20
LIMIT_MAX = 100


def _pairs(value: Any) -> Metadata:  # noqa: ANN401 - JSON may hold anything
    if value is None:
        return EMPTY
    if not isinstance(value, Mapping):
        raise InvalidValue("must be an object")
    if len(value) > PAIRS_MAX:
        raise InvalidValue(f"must have at most {PAIRS_MAX} pairs")
    for key, text in value.items():
        if len(key) > KEY_MAX:
            raise InvalidValue(f"must have keys of at most {KEY_MAX} characters")
        if not isinstance(text, str) or len(text) > VALUE_MAX:
            raise InvalidValue(f"must have strings of at most {VALUE_MAX} characters for values")
    return Metadata.from_mapping(value)


def _limit(limit: int) -> int:
    """A limit of 0 is none: clients that cannot leave a number out send it, OpenAI's tests too."""
    if not 0 <= limit <= LIMIT_MAX:
        raise InvalidValue(f"must be 1 to {LIMIT_MAX}")
    return limit or LIMIT_DEFAULT


def _after(segment: str) -> ItemRef:
    try:
        return item_ref(segment)
    except MessageNotFound:
        raise InvalidValue("is no item's id") from None


_Metadata = Annotated[Metadata, PlainValidator(_pairs)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ConversationCreate(_Body):
    """A conversation to be started."""

    items: Annotated[list[Item], Field(max_length=ITEMS_MAX)] | None = None
    metadata: _Metadata = EMPTY


class ConversationUpdate(_Body):
    """The metadata that a conversation is to have, in place of what it has."""

    metadata: _Metadata


class ItemsCreate(_Body):
    """Items to be added to a conversation."""

    items: Annotated[list[Item], Field(min_length=1, max_length=ITEMS_MAX)]


class ItemsQuery(OptionalQuery):
    """The query of a list of items."""

    after: Maybe[Annotated[Any, PlainValidator(_after)]] = None
    limit: Annotated[int, BeforeValidator(plain_integer), AfterValidator(_limit)] = LIMIT_DEFAULT
    order: SortOrder = SortOrder.DESC
