import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from application.errors import Unavailable

Check = Callable[[], Awaitable[None]]
"""Raises Unavailable while its part cannot be had."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """`missing` are the parts without which nothing is served; `is_read_only` where a standby
    serves reads in place of the database."""

    missing: tuple[str, ...] = ()
    is_read_only: bool = False


@dataclass(frozen=True, slots=True)
class CheckReadiness:
    """Which of the parts that the service stands on cannot be had just now. All are asked at once,
    the `standby` of a part beside it."""

    parts: Mapping[str, Check]
    standbys: Mapping[str, Check]

    async def __call__(self) -> Readiness:
        checks = [*self.parts.values(), *self.standbys.values()]
        answers = await asyncio.gather(*map(_answers, checks))
        parts = dict(zip(self.parts, answers, strict=False))
        standbys = dict(zip(self.standbys, answers[len(parts) :], strict=True))
        missing = [name for name, answered in parts.items() if not answered]
        lacking = tuple([name for name in missing if not standbys.get(name)])
        return Readiness(lacking, is_read_only=bool(missing) and not lacking)


async def _answers(check: Check) -> bool:
    try:
        await check()
    except Unavailable:
        return False
    return True
