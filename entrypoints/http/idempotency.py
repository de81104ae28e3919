"""Writes that may be asked for again: the IETF draft "The Idempotency-Key HTTP Header Field"."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Header
from starlette.requests import Request

from application.once import KEY_MAX, Written
from entrypoints.http.problems import in_header, invalid

NAME = "Idempotency-Key"
KEY = r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?"


async def idempotency_key(
    request: Request,
    key: Annotated[
        str | None,
        Header(
            alias=NAME,
            min_length=1,
            max_length=KEY_MAX,
            pattern=f"^{KEY}$",
            examples=["3f0c9b52-append-1"],
            description="Asked again under the same key within 24 hours, a request that was "
            "carried out is not carried out again, and its first answer is given again.",
        ),
    ] = None,
) -> str | None:
    if len(request.headers.getlist(NAME)) > 1:
        raise invalid([in_header("is given more than once", NAME)])
    return key


IdempotencyKey = Annotated[str | None, Depends(idempotency_key)]


def replay_mark(written: Written[Any]) -> Mapping[str, str]:
    """The header that tells an answer given again."""
    return {"Idempotent-Replayed": "true"} if written.replayed else {}
