from collections.abc import Collection
from dataclasses import dataclass, field


@dataclass
class Tally:
    """The figures of a run: how many were looked at, and how many of them were wrong."""

    rows: list[tuple[str, str, int, int]] = field(default_factory=list)

    def none(self, promise: str, what: str, wrong: Collection[object], *, of: int) -> None:
        """Nothing is wrong, and something was looked at. The figure is kept either way."""
        self.rows.append((promise, what, len(wrong), of))
        assert not wrong, f"{what}: {len(wrong)} of {of}, among them {list(wrong)[:3]}"
        assert of, f"{what}: nothing was looked at"

    def lines(self) -> list[str]:
        width = max((len(what) for _, what, _, _ in self.rows), default=0)
        return [
            f"{promise:4} {what:{width}}  {wrong:,} of {of:,}"
            for promise, what, wrong, of in self.rows
        ]
