"""The asynchronous client."""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import aclosing, suppress
from dataclasses import replace
from inspect import isawaitable
from sys import maxsize
from typing import Any, Literal, Self, TypeVar, Unpack, overload
from weakref import WeakKeyDictionary

import httpx2

from chat_sessions_client import operations
from chat_sessions_client.errors import (
    BodyTooLarge,
    ConnectionLost,
    MessageNotFound,
    SessionExists,
    SessionNotFound,
)
from chat_sessions_client.exchange import Outcome, Pause, Retries, exchange, settings
from chat_sessions_client.imports import REQUEST_BYTES, Line, Piece, Pieces
from chat_sessions_client.operations import MessageRef, Operation, Page, Tagged
from chat_sessions_client.shapes import (
    AnyMessageQuery,
    BodyPage,
    BodyQuery,
    DeletionsResponse,
    Event,
    ImportedSession,
    JsonObject,
    MessageCreate,
    MessagePage,
    MessageQuery,
    MessageReplace,
    MessageResponse,
    SearchHit,
    SearchPageResponse,
    SearchQuery,
    SessionPage,
    SessionQuery,
    SessionResponse,
    SessionUpdate,
)
from chat_sessions_client.streams import (
    EventReader,
    ExportReader,
    LineReader,
)

T = TypeVar("T")

Token = str | Callable[[], str | Awaitable[str]]
Headers = Mapping[str, str] | Callable[[], Mapping[str, str]]


class _HttpByLoop:
    """Connections for each event loop, which cannot be used in another: a program may run several,
    one after the other or each in a thread."""

    def __init__(self) -> None:
        self._by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncClient] = (
            WeakKeyDictionary()
        )

    def of_this_loop(self) -> httpx2.AsyncClient:
        loop = asyncio.get_running_loop()
        http = self._by_loop.get(loop)
        if http is None or http.is_closed:
            http = self._by_loop[loop] = httpx2.AsyncClient()
        return http


class AsyncClient:
    """An asynchronous client of the service at `url`, for the person whose tokens it has.

    `token` is called for each request, and once again where the service refuses what it gave.
    `headers` are sent with each request, such as a `traceparent`. `http` is for what httpx2 can be
    told: certificates, proxies, limits; whoever gives it closes it.

    Every method raises a ProblemError for an answer of 400 and above, UnexpectedAnswer for one that
    is none of this API's, and ConnectionLost where there is none, after what `retries` allow. What
    cannot be a URL, a token or a header is a ValueError, or a TypeError where it is no text.
    """

    def __init__(
        self,
        url: str,
        token: Token,
        *,
        headers: Headers | None = None,
        timeout: float | httpx2.Timeout | None = None,
        retries: Retries | None = None,
        http: "httpx2.AsyncClient | _HttpByLoop | None" = None,
    ) -> None:
        self._settings = settings(url, timeout, retries)
        self._token = token
        self._headers: Headers = headers or {}
        self._http = http or _HttpByLoop()

    def with_options(
        self,
        *,
        token: Token | None = None,
        headers: Headers | None = None,
        timeout: float | httpx2.Timeout | None = None,
        retries: Retries | None = None,
    ) -> Self:
        """The same client, with the same connections, for one call or for another person."""
        return type(self)(
            self._settings.url,
            self._token if token is None else token,
            headers=self._headers if headers is None else headers,
            timeout=self._settings.timeout if timeout is None else timeout,
            retries=retries or self._settings.retries,
            http=self._http,
        )

    async def aclose(self) -> None:
        """End the connections, unless they are another's."""
        if isinstance(self._http, _HttpByLoop):
            await self._http.of_this_loop().aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def create_session(
        self,
        *,
        title: str | None = None,
        metadata: JsonObject | None = None,
        external_id: str | None = None,
        messages: Sequence[MessageCreate] | None = None,
        created_at: str | None = None,
        existing: Literal["keep"] | None = None,
        idempotency_key: str | None = None,
    ) -> SessionResponse:
        """With existing="keep", a session that has the external id is returned as it is."""
        body = {
            "title": title,
            "metadata": metadata,
            "external_id": external_id,
            "messages": messages,
            "created_at": created_at,
        }
        try:
            return await self._run(operations.create_session(body, idempotency_key))
        except SessionExists as error:
            if existing is None or not error.session_id:
                raise
            return await self.session(error.session_id)

    async def sessions(self, **query: Unpack[SessionQuery]) -> AsyncIterator[SessionResponse]:
        """All of them, page after page; by default those that changed last come first.

        One that changes meanwhile goes to that end, and may not be given. With
        sort_by="created_at" each that was there at the beginning is, unless it leaves the filter
        meanwhile, as one that is archived does.
        """
        async for page in self._pages(operations.sessions(query)):
            for item in page["items"]:
                yield item

    async def sessions_page(self, **query: Unpack[SessionQuery]) -> SessionPage:
        return (await self._run(operations.sessions(query))).value

    async def session(self, session: str) -> SessionResponse:
        return await self._run(operations.session(session))

    async def tagged_session(self, session: str) -> Tagged[SessionResponse]:
        """The session, and the tag for `if_match`."""
        return await self._run(operations.tagged(operations.session(session)))

    async def change_session(
        self, session: str, changes: SessionUpdate, *, if_match: str | None = None
    ) -> SessionResponse:
        """A member that is absent stays; None takes away the title or the metadata."""
        return await self._run(operations.change_session(session, changes, if_match))

    async def delete_session(self, session: str, *, if_match: str | None = None) -> None:
        """An external id is looked up before, so that a repeat removes none that has it since."""
        await self._run(operations.delete_session(await self._own_id(session), if_match))

    async def delete_sessions(
        self, sessions: Sequence[str] = (), *, everything: bool = False, dry_run: bool = False
    ) -> DeletionsResponse:
        """Delete up to 100 sessions, or everything; both are InvalidInput. A dry run only counts.

        External ids are looked up before, each by a request, so that a repeat after a lost answer,
        which counts what was left, removes none that has one since.
        """
        chosen = list(sessions)
        if not (everything or dry_run or len(chosen) > operations.DELETIONS_MAX):
            chosen = await self._own_ids(chosen)
            if sessions and not chosen:
                return DeletionsResponse(sessions=0, messages=0, dry_run=False)
        operation = operations.delete_sessions(chosen, everything=everything, dry_run=dry_run)
        return await self._run(operation)

    @overload
    async def append(
        self,
        session: str,
        messages: Sequence[MessageCreate],
        *,
        format: None = None,
        create: bool = False,
        existing: Literal["keep"] | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> list[MessageResponse]: ...

    @overload
    async def append(
        self,
        session: str,
        messages: Sequence[Mapping[str, object]],
        *,
        format: str,
        create: bool = False,
        existing: Literal["keep"] | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> list[MessageResponse]: ...

    async def append(
        self,
        session: str,
        messages: Sequence[Mapping[str, object]],
        *,
        format: str | None = None,  # noqa: A002 - the API's name
        create: bool = False,
        existing: Literal["keep"] | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> list[MessageResponse]:
        """Store up to 100 messages, all or none.

        With `format`, each is taken whole as a body. `create` makes a session that is named by its
        external id, if there is none. existing="keep" leaves messages whose external ids are there.
        """
        return await self._run(
            operations.append(
                session,
                messages,
                format_=format,
                create=create,
                keep=existing is not None,
                if_match=if_match,
                key=idempotency_key,
            )
        )

    @overload
    def messages(self, session: str, **query: Unpack[BodyQuery]) -> AsyncIterator[JsonObject]: ...

    @overload
    def messages(
        self, session: str, **query: Unpack[MessageQuery]
    ) -> AsyncIterator[MessageResponse]: ...

    async def messages(self, session: str, **query: Unpack[AnyMessageQuery]) -> AsyncIterator[Any]:
        """All of them, page after page, by default the oldest first: each once, whoever writes or
        removes meanwhile. `after` goes with that, `before` with the newest first."""
        async for page in self._pages(operations.messages(session, operations.walk(query))):
            for item in page["items"]:
                yield item

    @overload
    async def messages_page(self, session: str, **query: Unpack[BodyQuery]) -> BodyPage: ...

    @overload
    async def messages_page(self, session: str, **query: Unpack[MessageQuery]) -> MessagePage: ...

    async def messages_page(self, session: str, **query: Unpack[AnyMessageQuery]) -> Any:
        """One page. With `after` and `wait` it comes as soon as there is a message after that."""
        return (await self._run(operations.messages(session, query))).value

    async def message(self, session: str, ref: MessageRef) -> MessageResponse:
        return await self._run(operations.message(session, ref))

    async def tagged_message(self, session: str, ref: MessageRef) -> Tagged[MessageResponse]:
        """The message, and the tag for `if_match`."""
        return await self._run(operations.tagged(operations.message(session, ref)))

    async def put_message(
        self,
        session: str,
        ref: MessageRef,
        message: MessageReplace | MessageCreate,
        *,
        create: bool = False,
        if_match: str | None = None,
    ) -> MessageResponse:
        """Replace a message. Under an external id that is not there it is appended; with `create`
        nothing but that is done, and under another name there is none to be found.

        "last" is looked up before, so that a repeat replaces none that has come since.
        """
        if ref == "last" and if_match is None:
            found = await self.message(session, ref)
            session, ref = found["session_id"], found["message_order"]
        return await self._run(
            operations.put_message(session, ref, message, create=create, if_match=if_match)
        )

    async def delete_message(
        self, session: str, ref: MessageRef, *, if_match: str | None = None
    ) -> MessageResponse | None:
        """What was removed; None if that is not known, since the first answer was lost.

        "last" and external ids, of the session too, are looked up before: so a repeat takes none
        but that one.
        """
        if not (operations.comes_again(session) or operations.comes_again(ref)):
            return await self._run(operations.delete_message(session, ref, if_match))
        while True:
            found = await self.message(session, ref)
            own_id, order = found["session_id"], found["message_order"]
            try:
                removed = operations.delete_message(own_id, order, if_match)
                return await self._run(removed) or found
            except MessageNotFound:  # somebody else has taken it
                if ref != "last":
                    raise

    async def clear_messages(
        self, session: str, *, before: int | None = None, if_match: str | None = None
    ) -> None:
        """Remove all messages, or those with lower orders. The session stays.

        The last is looked up before, so that what comes meanwhile is not removed.
        """
        own_id = await self._own_id(session)
        if before is None:
            try:
                before = (await self.message(own_id, "last"))["message_order"] + 1
            except MessageNotFound:
                before = 0
        await self._run(operations.clear_messages(own_id, before, if_match))

    async def search(self, q: str, **query: Unpack[SearchQuery]) -> AsyncIterator[SearchHit]:
        """All that have every word, page after page, the newest first."""
        async for page in self._pages(operations.search(q, query)):
            for item in page["items"]:
                yield item

    async def search_page(self, q: str, **query: Unpack[SearchQuery]) -> SearchPageResponse:
        return (await self._run(operations.search(q, query))).value

    async def events(
        self, session: str, *, after: int | None = None
    ) -> AsyncGenerator[Event, None]:
        """What happens in the session, without end, through lost connections too.

        Each message comes once and in order: those after `after`, or those from now on. Once it
        has begun, only a refusal ends it: SessionNotFound where the session goes.
        """
        reader = EventReader(after)
        retries = self._settings.retries
        while True:
            sent = await self._send(operations.events(session, reader.position), retries)
            async with aclosing(sent):
                operations.check_events(sent)
                try:
                    async for piece in sent.aiter_bytes():
                        for event in reader.feed(piece):
                            yield event
                except httpx2.RequestError:
                    pass
            retries = replace(retries, attempts=maxsize)
            reader.reconnect()
            await asyncio.sleep(reader.pause)

    async def export(self, session: str | None = None) -> AsyncGenerator[bytes, None]:
        """The lines of an export of everything, or of a session.

        Raises IncompleteExport, or ConnectionLost, where it is not all.
        """
        reader = ExportReader()
        async for line in self._lines(operations.export(session), reader):
            yield line
        reader.finish()

    async def import_lines(
        self,
        lines: bytes | Iterable[Line] | AsyncIterable[Line],
        *,
        request_bytes: int = REQUEST_BYTES,
    ) -> AsyncGenerator[ImportedSession, None]:
        """Bring in what was exported, of any size, some 4 MiB or one session a request.

        What became of each session comes as its request is done. One of more than `request_bytes`,
        or than the service takes, is refused as a whole, and the others go on.
        """
        pieces = Pieces(request_bytes)
        async for line in _each(lines):
            for piece in pieces.feed(line):
                for told in await self._import(piece):
                    yield told
        for piece in pieces.finish():
            for told in await self._import(piece):
                yield told

    async def _import(self, piece: Piece) -> list[ImportedSession]:
        content = piece.content
        if not content:
            return [*piece.refused()]
        lines = operations.import_lines(content, named=piece.is_named)
        try:
            return [*map(piece.placed, await self._run(lines))]
        except BodyTooLarge:
            halves = piece.halves()
        told = [one for half in halves for one in await self._import(half)]
        return told if halves else [*piece.refused()]

    async def _own_id(self, session: str) -> str:
        """The id that no other session ever has."""
        if not operations.comes_again(session):
            return session
        return (await self.session(session))["id"]

    async def _own_ids(self, sessions: Sequence[str]) -> list[str]:
        """Those of the sessions that are there."""
        found = []
        for session in sessions:
            with suppress(SessionNotFound):
                found.append(await self._own_id(session))
        return found

    async def _lines(
        self, operation: Operation[httpx2.Response], reader: LineReader
    ) -> AsyncGenerator[bytes, None]:
        sent = await self._send(operation)
        async with aclosing(sent):
            try:
                async for piece in sent.aiter_bytes():
                    for line in reader.feed(piece):
                        yield line
            except httpx2.RequestError as error:
                raise ConnectionLost(f"{type(error).__name__}: {error}") from error

    async def _pages(self, operation: Operation[Page[T]]) -> AsyncIterator[T]:
        following: Operation[Page[T]] | None = operation
        while following:
            page, following = await self._run(following)
            yield page

    async def _run(self, operation: Operation[T]) -> T:
        return operation.read(await self._send(operation))

    async def _send(
        self, operation: Operation[object], retries: Retries | None = None
    ) -> httpx2.Response:
        renewed = callable(self._token)
        steps = exchange(operation, retries or self._settings.retries, token_is_renewed=renewed)
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as stop:
                answer: httpx2.Response = stop.value
                return answer
            outcome = None
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
            else:
                outcome = await self._attempt(operation)

    async def _attempt(self, operation: Operation[object]) -> Outcome:
        given = self._token() if callable(self._token) else self._token
        token = await given if isawaitable(given) else given
        headers = self._headers() if callable(self._headers) else self._headers
        request = self._settings.request(operation, token, headers)
        shared = self._http
        http = shared.of_this_loop() if isinstance(shared, _HttpByLoop) else shared
        try:
            response = await http.send(request, stream=operation.is_streamed)
            if operation.is_streamed and not response.is_success:
                async with aclosing(response):
                    await response.aread()
        except httpx2.RequestError as error:
            return error
        return response


async def _each(lines: bytes | Iterable[Line] | AsyncIterable[Line]) -> AsyncIterator[Line]:
    if isinstance(lines, AsyncIterable):
        async for line in lines:
            yield line
    else:
        for line in [lines] if isinstance(lines, bytes | str) else lines:
            yield line
