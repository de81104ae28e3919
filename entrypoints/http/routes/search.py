"""The route of a search in all of the caller's sessions."""

import asyncio
from functools import partial
from hashlib import sha256
from typing import Annotated

from fastapi import Query
from pydantic import BeforeValidator, Field
from starlette.requests import Request
from starlette.responses import Response

from domain.search import (
    QUERY_MAX,
    SEARCH_LIMIT_DEFAULT,
    SEARCH_LIMIT_MAX,
    WORDS_MAX,
    Place,
    SearchQuery,
    SearchRequest,
)
from entrypoints.http.context import use_cases
from entrypoints.http.cursors import place_from_text, place_to_text
from entrypoints.http.dependencies import Caller
from entrypoints.http.links import link_header
from entrypoints.http.openapi.declared_responses import problems, success
from entrypoints.http.pagination import invalid_query
from entrypoints.http.query_types import OptionalQuery, plain_integer
from entrypoints.http.references import session_ref
from entrypoints.http.response_schemas import SearchPageResponse
from entrypoints.http.routes.authenticated import authenticated_router, json_response
from entrypoints.http.schema_types import CURSOR, CURSOR_EXAMPLE, CURSOR_MAX, SESSION_ID
from entrypoints.http.serializers import search_page_json

LONG = 50_000
"""Characters whose snippets are made in the event loop; of more a thread takes care."""

router = authenticated_router("/search", "search")


class SearchParameters(OptionalQuery):
    """The query parameters of a search."""

    q: Annotated[
        str,
        Field(
            description="What to look for: each word, in any order, in any case, with or without "
            'accents, the last one as a beginning; and `"words in quotation marks"` as they stand. '
            f"At most {QUERY_MAX} characters and {WORDS_MAX} words.",
            examples=["lisbon hotel"],
            json_schema_extra={"minLength": 1},
        ),
    ]
    session_id: Annotated[
        str | None,
        Field(
            description="Of this session alone: its `id`, or `ext:` and its `external_id`, such as "
            f"`{SESSION_ID}`.",
        ),
    ] = None
    limit: Annotated[
        int,
        BeforeValidator(plain_integer),
        Field(
            description="How many hits at most.",
            examples=[10],
            json_schema_extra={"maximum": SEARCH_LIMIT_MAX, "minimum": 1},
        ),
    ] = SEARCH_LIMIT_DEFAULT
    cursor: Annotated[
        Annotated[str, Field(json_schema_extra={"maxLength": CURSOR_MAX, "pattern": CURSOR})]
        | None,
        Field(
            description="The `next_cursor` of the same search, for the hits that follow, such as "
            f"`{CURSOR_EXAMPLE}`.",
        ),
    ] = None

    @property
    def selection(self) -> bytes:
        """Eight bytes that tell one search from another, which a cursor is not for."""
        return sha256(f"{self.q}\0{self.session_id or ''}".encode()).digest()[:8]

    @property
    def after(self) -> Place | None:
        """Where the page begins. Raises InvalidValue."""
        return None if self.cursor is None else place_from_text(self.cursor, self.selection)

    def to_domain(self) -> SearchRequest:
        """Return the domain's request. Raises a Problem: 422."""
        with invalid_query():
            return SearchRequest(query=SearchQuery(self.q), limit=self.limit, after=self.after)


@router.get(
    "",
    operation_id="search",
    response_model=SearchPageResponse,
    responses={200: success("A page of hits.", "Link", "Standby-Read"), **problems(404)},
)
async def search(
    request: Request, caller: Caller, query: Annotated[SearchParameters, Query()]
) -> Response:
    """The caller's sessions and messages that have what is looked for, the newest first.

    A session is found by its title and a message by its `content`. A word is what letters and
    digits stand together; in languages without spaces between words, such as Chinese, Japanese and
    Thai, any part of a sentence is found.
    """
    session = None if query.session_id is None else session_ref(query.session_id)
    asked = query.to_domain()
    page = await use_cases(request).search(caller, asked, session)
    place = page.following
    cursor = None if place is None else place_to_text(place, query.selection)
    link = link_header(request, "/search", {"next": ("cursor", cursor)} if cursor else {})
    serialize = partial(search_page_json, page, asked, cursor)
    is_long = sum(len(hit.text) for hit in page.items) > LONG
    body = await asyncio.to_thread(serialize) if is_long else serialize()
    return json_response(body, headers={"Link": link} if link else {})
