"""Exceptions of the client as those of a framework."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Classes = type[Exception] | tuple[type[Exception], ...]


def translating(
    *rules: tuple[Classes, Callable[[str], Exception]],
) -> Callable[[Callable[P, Coroutine[Any, Any, T]]], Callable[P, Coroutine[Any, Any, T]]]:
    """A method that raises what the first rule says that is for an exception; without one, that
    stays."""

    def decorate(
        method: Callable[P, Coroutine[Any, Any, T]],
    ) -> Callable[P, Coroutine[Any, Any, T]]:
        @wraps(method)
        async def translated(*arguments: P.args, **named: P.kwargs) -> T:
            try:
                return await method(*arguments, **named)
            except Exception as error:
                for ours, theirs in rules:
                    if isinstance(error, ours):
                        raise theirs(str(error)) from error
                raise

        return translated

    return decorate
