"""Put spans around the calls of use cases."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from opentelemetry.trace import StatusCode, Tracer

from domain.errors import Refused

U = TypeVar("U")


def traced(use_case: U, tracer: Tracer | None) -> U:
    """Wrap a use case in spans of its name. Without a tracer, return it as it is."""
    return use_case if tracer is None else cast("U", _Traced(use_case, tracer))


class _Traced:
    def __init__(self, use_case: Any, tracer: Tracer) -> None:  # noqa: ANN401 - any use case
        self._use_case = use_case
        self._tracer = tracer

    async def __call__(self, *arguments: object, **keywords: object) -> object:
        return await self._within_a_span(self._use_case, *arguments, **keywords)

    def __getattr__(self, verb: str) -> Callable[..., Awaitable[object]]:
        act = getattr(self._use_case, verb)

        async def spanned(*arguments: object, **keywords: object) -> object:
            return await self._within_a_span(act, *arguments, **keywords)

        return spanned

    async def _within_a_span(
        self, act: Callable[..., Awaitable[object]], *arguments: object, **keywords: object
    ) -> object:
        with self._tracer.start_as_current_span(
            type(self._use_case).__name__, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                return await act(*arguments, **keywords)
            except Refused:  # an answer like any other
                raise
            except Exception as error:
                span.set_attribute("error.type", type(error).__qualname__)
                span.set_status(StatusCode.ERROR)
                raise
