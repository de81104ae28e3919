"""The two clients of `clients/python` with one face, so that each test is of both."""

import asyncio
from collections.abc import Callable, Iterator
from inspect import isasyncgen, iscoroutine
from typing import Any, Self

from chat_sessions_client import AsyncClient, Client


class Awaited:
    """An asynchronous client, each of whose methods is waited for."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._client = named.get("of") or AsyncClient(*arguments, **named)
        self._loop = asyncio.new_event_loop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run_until_complete(self._client.aclose())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def called(*arguments: Any, **named: Any) -> Any:
            result = method(*arguments, **named)
            if iscoroutine(result):
                return self._loop.run_until_complete(result)
            return self._items(result) if isasyncgen(result) else self._other(result)

        return called

    def _other(self, client: AsyncClient) -> "Awaited":
        other = Awaited(of=client)
        other._loop.close()
        other._loop = self._loop
        return other

    def _items(self, generator: Any) -> Iterator[Any]:
        try:
            while True:
                try:
                    yield self._loop.run_until_complete(anext(generator))
                except StopAsyncIteration:
                    return
        finally:
            self._loop.run_until_complete(generator.aclose())


BOTH: dict[str, Callable[..., Any]] = {"sync": Client, "async": Awaited}
