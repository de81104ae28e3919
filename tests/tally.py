from collections.abc import Collection
from dataclasses import dataclass, field


@dataclass
class Tally:
    """The figures of a run: how many were looked at, and how many of them were wrong."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def none(self, promise: str, what: str, wrong: Collection[object], *, of: int) -> None:
        """Nothing is wrong, and something was looked at. The figure is kept either way."""
        self.note(promise, what, f"{len(wrong):,} of {of:,}")
        assert not wrong, f"{what}: {len(wrong)} of {of}, among them {list(wrong)[:3]}"
        assert of, f"{what}: nothing was looked at"

    def note(self, promise: str, what: str, figure: str) -> None:
        """What was measured, and is no matter of right or wrong."""
        self.rows.append((promise, what, figure))

    def lines(self) -> list[str]:
        width = max((len(what) for _, what, _ in self.rows), default=0)
        return [f"{promise:4} {what:{width}}  {figure}" for promise, what, figure in self.rows]
