"""Writes that may be asked for again: the IETF draft "The Idempotency-Key HTTP Header Field"."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Header
from pydantic import Field, WithJsonSchema

from application.idempotency import KEY_MAX, Written
from entrypoints.http.problems import in_header, invalid

NAME = "Idempotency-Key"
KEY = r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?"


IdempotencyKeys = Annotated[
    Sequence[Annotated[str, Field(max_length=KEY_MAX, pattern=f"^({KEY})?$")]],
    Header(
        alias=NAME,
        description="Asked again under the same key within 24 hours, a request that was "
        "carried out is not carried out again, and its first answer is given again.",
    ),
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "maxLength": KEY_MAX,
            "pattern": f"^{KEY}$",
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
    """The header that tells an answer given again."""
    return {"Idempotent-Replayed": "true"} if written.replayed else {}
