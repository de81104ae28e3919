"""A request's body: JSON in UTF-8, no larger than allowed, read no further than needed."""

from collections.abc import Collection
from email.message import Message
from http import HTTPStatus
from typing import Any

from starlette.requests import Request

from domain import strict_json
from entrypoints.http.problems import Problem

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"

_DIGITS_MAX = 18


class JsonRequest(Request):
    """A request whose body has been read and parsed."""

    def __init__(self, request: Request, raw: bytes, value: object) -> None:
        super().__init__(request.scope, request.receive)
        self._raw = raw
        self._value = value

    async def body(self) -> bytes:
        return self._raw

    async def json(self) -> Any:  # noqa: ANN401 - JSON may hold anything
        return self._value


async def read_json(request: Request, media_types: Collection[str], at_most: int) -> JsonRequest:
    """Raises the Problem of 413, 415 or 400, whichever applies first."""
    raw = await read_body(request, at_most)
    _check_media_type(request, media_types)
    try:
        value = strict_json.parse(raw)
    except ValueError as error:
        raise Problem(
            HTTPStatus.BAD_REQUEST, "not-json", f"The body is not acceptable JSON: {error}."
        ) from None
    return JsonRequest(request, raw, value)


def check_announced_size(request: Request, at_most: int) -> None:
    """Raises the Problem of 413 before anything of the body is read."""
    announced = request.headers.get("content-length", "0").lstrip("0")
    if len(announced) > _DIGITS_MAX or (announced.isdecimal() and int(announced) > at_most):
        raise _too_large(at_most)


def _check_media_type(request: Request, media_types: Collection[str]) -> None:
    given = request.headers.getlist("content-type")
    header = Message()
    header["content-type"] = given[0] if len(given) == 1 else ""
    charsets = [value for name, value in header.get_params([]) if name.lower() == "charset"]
    acceptable = (
        header.get_content_type() in media_types
        and [str(charset).lower() for charset in charsets] in ([], ["utf-8"])
        and not request.headers.getlist("content-encoding")
    )
    if not acceptable:
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "not-json",
            f"The body must be {' or '.join(media_types)} in UTF-8, not encoded.",
            headers={"Accept": ", ".join(media_types), "Accept-Encoding": "identity"},
        )


async def read_body(request: Request, at_most: int) -> bytes:
    """Raises the Problem of 413 once more has come than may."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > at_most:
            raise _too_large(at_most)
    return bytes(body)


def _too_large(at_most: int) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "body-too-large",
        f"A body has at most {at_most} bytes.",
        headers={"Connection": "close"},
    )
