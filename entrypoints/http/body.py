"""Reads the bodies of requests: JSON in UTF-8, up to a maximum size."""

import re
from collections.abc import Collection, Iterator
from itertools import takewhile
from typing import Any

from starlette.requests import Request

from domain import strict_json
from entrypoints.http.problem_types import BODY_TOO_LARGE, NOT_JSON, UNSUPPORTED_MEDIA_TYPE
from entrypoints.http.problems import FIELD_ERRORS_MAX, Problem, in_body

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"

_DIGITS_MAX = 18

_NAMES = frozenset(
    {
        "archived",
        "body",
        "content",
        "created_at",
        "edited_at",
        "external_id",
        "format",
        "id",
        "message_order",
        "messages",
        "metadata",
        "name",
        "pinned",
        "role",
        "session_id",
        "timestamp",
        "title",
    }
)
"""The members that bodies of requests have."""

_UTF_8 = {"", "utf-8", "utf8", "us-ascii"}
"""What clients call it; ASCII is a part of it."""

_NAME = r"[!#$%&'+.^_`|~0-9A-Za-z-]+"
_MEDIA_TYPE = re.compile(rf"{_NAME}/{_NAME}")
_PARAMETER = re.compile(rf'[ \t]*;[ \t]*(?:({_NAME})=({_NAME}|"(?:[^"\\]|\\.)*"|))?')
"""Of a media type (RFC 9110 sections 5.6.6 and 8.3.1). One with an asterisk in its name is
of mail (RFC 2231), and refused."""


class JsonRequest(Request):
    """A request whose body has been read and parsed."""

    def __init__(self, request: Request, raw: bytes, value: object) -> None:
        super().__init__(request.scope, request.receive)
        self._raw = raw
        self.value = value

    async def body(self) -> bytes:
        return self._raw

    async def json(self) -> Any:  # noqa: ANN401 - JSON may hold anything
        return self.value


async def read_json(request: Request, media_types: Collection[str], at_most: int) -> JsonRequest:
    """Read and parse the body. Raises a Problem: 413, 415 or 400, whichever applies first."""
    raw = await read_body(request, at_most)
    check_media_type(request, media_types)
    try:
        value = strict_json.parse_document(raw)
    except strict_json.JsonError as error:
        found = dict.fromkeys(_own_names(path) for path in error.paths)
        errors = [in_body(str(error), *path) for path in found][:FIELD_ERRORS_MAX]
        raise Problem(NOT_JSON, reason=error, errors=errors) from None
    return JsonRequest(request, raw, value)


def _own_names(path: strict_json.Path) -> strict_json.Path:
    """A path as far as its names are the API's: a member of the body, or of one of its messages.
    Those in a member are the client's text."""
    own = tuple(takewhile(lambda name: isinstance(name, int) or name in _NAMES, path))
    return own[:3] if own[:1] == ("messages",) else own[:1]


def check_announced_size(content_length: bytes, at_most: int) -> None:
    """Raise a Problem, 413, if Content-Length exceeds the limit, before the body is read."""
    announced = content_length.lstrip(b"0")
    if len(announced) > _DIGITS_MAX or (announced.isdigit() and int(announced) > at_most):
        raise Problem(BODY_TOO_LARGE, limit=at_most)


def check_media_type(request: Request, media_types: Collection[str]) -> None:
    given = request.headers.getlist("content-type")
    acceptable = (
        len(given) == 1
        and _is_utf_8_of(given[0].strip(" \t"), media_types)
        and _codings(request) <= {"identity"}
    )
    if not acceptable:
        raise Problem(
            UNSUPPORTED_MEDIA_TYPE,
            media_types=" or ".join(media_types),
            headers={"Accept": ", ".join(media_types), "Accept-Encoding": "identity"},
        )


def _codings(request: Request) -> set[str]:
    """The content codings in lower case; `identity` says that there is none (RFC 9110 section
    12.5.3), and so does nothing."""
    codings = ",".join(request.headers.getlist("content-encoding")).split(",")
    return {coding.strip(" \t").lower() for coding in codings} - {""}


def _is_utf_8_of(header: str, media_types: Collection[str]) -> bool:
    found = _MEDIA_TYPE.match(header)
    if not found or found[0].lower() not in media_types:
        return False
    parameters = list(_parameters(header, found.end()))
    charsets = [value.strip('"').lower() for name, value in parameters if name == "charset"]
    return (None, "") not in parameters and len(charsets) <= 1 and set(charsets) <= _UTF_8


def _parameters(header: str, begin: int) -> Iterator[tuple[str | None, str]]:
    """Yield each parameter's name, in lower case, and value; None for anything else."""
    while begin < len(header):
        found = _PARAMETER.match(header, begin)
        if not found:
            yield None, ""
            return
        if found[1]:
            yield found[1].lower(), found[2]
        begin = found.end()


async def read_body(request: Request, at_most: int) -> bytes:
    """Read the body. Raises a Problem, 413, as soon as it exceeds the limit."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > at_most:
            raise Problem(BODY_TOO_LARGE, limit=at_most)
    return bytes(body)
