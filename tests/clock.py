from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from application.ports.clock import Clock

START = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@dataclass
class ManualClock(Clock):
    """Time that a test owns: it stands still, jumps, and goes back."""

    time: datetime = START

    def now(self) -> datetime:
        return self.time

    def seconds(self) -> float:
        return self.time.timestamp()

    def move(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
