"""The Idempotency-Key header, as the IETF draft of that name defines it."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Header
from pydantic import AfterValidator, WithJsonSchema

from application.idempotency import KEY_MAX, Written
from domain.errors import InvalidValue
from entrypoints.http.problems import in_header, invalid

NAME = "Idempotency-Key"
KEY = r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?"
_KEY = re.compile(KEY)


def _checked(key: str) -> str:
    if key and not (len(key) <= KEY_MAX and _KEY.fullmatch(key)):
        raise InvalidValue(
            f"must be 1 to {KEY_MAX} printable ASCII characters, without a space at the ends"
        )
    return key


IdempotencyKeys = Annotated[
    Sequence[Annotated[str, AfterValidator(_checked)]],
    Header(
        alias=NAME,
        description="Asked again under the same key within 24 hours, a request that was "
        "carried out is not carried out again, and its first answer is given again.",
    ),
    WithJsonSchema(
        {
            "type": "string",
            "maxLength": KEY_MAX,
            "pattern": "^([!-~]([ -~]*[!-~])?)?$",
            "examples": ["3f0c9b52-append-1"],
        }
    ),
]


def only_key(keys: Sequence[str]) -> str | None:
    """The request's key, if it has one that is not empty. Raises the Problem of 422 for several."""
    if len(keys) > 1:
        raise invalid([in_header("is given more than once", NAME)])
    return (keys[0] or None) if keys else None


def replay_mark(written: Written[Any]) -> Mapping[str, str]:
    """Return the header that marks a replayed response."""
    return {"Idempotent-Replayed": "true"} if written.replayed else {}
