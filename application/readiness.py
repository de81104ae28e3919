from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from application.errors import Unavailable


@dataclass(frozen=True, slots=True)
class CheckReadiness:
    """Which of the parts that the service stands on cannot be had just now."""

    parts: Mapping[str, Callable[[], Awaitable[None]]]

    async def __call__(self) -> tuple[str, ...]:
        return tuple([name for name, check in self.parts.items() if not await _answers(check)])


async def _answers(check: Callable[[], Awaitable[None]]) -> bool:
    try:
        await check()
    except Unavailable:
        return False
    return True
