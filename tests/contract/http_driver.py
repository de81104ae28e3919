"""The service over HTTP, as a client finds it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx2

from domain.errors import (
    ExternalIdTaken,
    MessageNotFound,
    Refused,
    SessionForbidden,
    SessionNotFound,
    VersionMismatch,
)
from domain.external_id import ExternalId
from domain.message import MessageRef
from domain.message_page import MessagePageRequest
from domain.session import SessionRef
from domain.session_page import SessionPageRequest
from tests.contract.drivers import Driver, SessionPage
from tests.contract.model import Line, MessagePage, Said

REFUSALS: Mapping[str, type[Refused]] = {
    "session-forbidden": SessionForbidden,
    "session-not-found": SessionNotFound,
    "message-not-found": MessageNotFound,
    "session-exists": ExternalIdTaken,
    "message-exists": ExternalIdTaken,
    "version-mismatch": VersionMismatch,
}


@dataclass
class HttpDriver(Driver):
    client: httpx2.AsyncClient
    token_of: Callable[[str], str]

    async def create(
        self, who: str, title: str, lines: Sequence[Line], external_id: str | None = None
    ) -> UUID:
        body = {"title": title, "messages": _lines(lines), "external_id": external_id}
        response = await self._ask(who, "POST", "/sessions", json=body)
        return UUID(response.json()["id"])

    async def append(
        self,
        who: str,
        session: SessionRef,
        lines: Sequence[Line],
        key: str | None = None,
        *,
        keep: bool = False,
        create: bool = False,
    ) -> list[Said]:
        response = await self._ask(
            who,
            "POST",
            f"{_path(session)}/messages",
            json={"messages": _lines(lines)},
            headers={"Idempotency-Key": key} if key else {},
            params={
                **({"existing": "keep"} if keep else {}),
                **({"create": "true"} if create else {}),
            },
        )
        return [_said(item) for item in response.json()["items"]]

    async def get(self, who: str, session: SessionRef, message: MessageRef) -> Said:
        return _said((await self._ask(who, "GET", _path(session, message))).json())

    async def put(
        self,
        who: str,
        session: SessionRef,
        message: MessageRef,
        content: str,
        *,
        append_only: bool = False,
    ) -> Said:
        headers = {"If-None-Match": "*"} if append_only else {}
        return await self._put(who, _path(session, message), content, headers)

    async def put_twice(
        self, who: str, session: SessionRef, message: MessageRef, content: str
    ) -> Said:
        path = _path(session, message)
        found = await self._ask(who, "GET", path)
        at = {"If-Match": found.headers["ETag"]}
        await self._put(who, path, content, at)
        return await self._put(who, path, content, at)

    async def _put(self, who: str, path: str, content: str, headers: Mapping[str, str]) -> Said:
        body = {"role": "user", "content": content}
        response = await self._ask(who, "PUT", path, json=body, headers=headers)
        return _said(response.json())

    async def remove(self, who: str, session: SessionRef, message: MessageRef) -> Said:
        return _said((await self._ask(who, "DELETE", _path(session, message))).json())

    async def clear(self, who: str, session: SessionRef, before: int | None) -> None:
        params = {} if before is None else {"before": before}
        await self._ask(who, "DELETE", f"{_path(session)}/messages", params=params)

    async def update(
        self,
        who: str,
        session: SessionRef,
        *,
        title: str | None = None,
        archived: bool | None = None,
    ) -> None:
        given = {"title": title, "archived": archived}
        patch = {name: value for name, value in given.items() if value is not None}
        await self._ask(who, "PATCH", _path(session), json=patch)

    async def delete(self, who: str, session: SessionRef) -> None:
        await self._ask(who, "DELETE", _path(session))

    async def sessions(self, who: str, asked: SessionPageRequest) -> SessionPage:
        page = (await self._ask(who, "GET", "/sessions", params=_query(asked))).json()
        return [session["title"] or "" for session in page["items"]], *_place(page)

    async def walk(self, who: str, asked: SessionPageRequest) -> list[str]:
        titles = []
        query: dict[str, Any] | None = _query(asked)
        while query:
            page = (await self._ask(who, "GET", "/sessions", params=query)).json()
            titles += [session["title"] or "" for session in page["items"]]
            following = page["pagination"]["next_cursor"]
            query = {**_query(asked), "cursor": following} if following else None
        return titles

    async def messages(
        self, who: str, session: SessionRef, asked: MessagePageRequest
    ) -> MessagePage:
        path = f"{_path(session)}/messages"
        page = (await self._ask(who, "GET", path, params=_query(asked))).json()
        return MessagePage([_said(item) for item in page["items"]], *_place(page))

    async def _ask(self, who: str, method: str, path: str, **request: Any) -> httpx2.Response:
        bearer = {"Authorization": f"Bearer {self.token_of(who)}"}
        headers = {**bearer, **request.pop("headers", {})}
        response = await self.client.request(method, path, headers=headers, **request)
        if response.is_success:
            return response
        kind = response.json()["type"].rpartition("/")[2].rpartition(":")[2]
        assert kind in REFUSALS, response.text
        raise REFUSALS[kind]


def _path(session: SessionRef, message: MessageRef | None = None) -> str:
    path = f"/sessions/{_name(session)}"
    return path if message is None else f"{path}/messages/{_name(message)}"


def _name(ref: SessionRef | MessageRef) -> str:
    if isinstance(ref, ExternalId):
        return f"ext:{quote(ref.value, safe='')}"
    return str(ref) if isinstance(ref, UUID | int) else ref.value


def _lines(lines: Sequence[Line]) -> list[dict[str, str | None]]:
    return [
        {"role": "user", "content": line.content, "external_id": line.external_id} for line in lines
    ]


def _said(item: Any) -> Said:
    return Said(item["message_order"], item["content"], item["external_id"])


def _query(asked: SessionPageRequest | MessagePageRequest) -> dict[str, Any]:
    others: dict[str, Any]
    if isinstance(asked, MessagePageRequest):
        others = {"after": asked.after, "before": asked.before, "around": asked.around}
    else:
        archived = asked.filters.archived
        others = {"archived": "any" if archived is None else str(archived).lower()}
    query = {
        "offset": asked.offset,
        "limit": asked.limit,
        "sort_by": str(asked.sort_by),
        "sort_order": str(asked.sort_order),
        **others,
    }
    return {name: value for name, value in query.items() if value is not None}


def _place(page: Any) -> tuple[int, bool, bool]:
    pagination = page["pagination"]
    return pagination["total"], pagination["has_next"], pagination["has_previous"]
