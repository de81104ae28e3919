"""Why the service is not ready stands in its log, once."""

import pytest
from structlog.testing import capture_logs

from application.errors import Unavailable
from entrypoints.telemetry.logged_check import LoggedCheck


class Part:
    reason: str | None = None

    async def check(self) -> None:
        if self.reason:
            raise Unavailable(self.reason)


async def test_the_reason_is_logged_when_it_comes_changes_and_goes() -> None:
    part = Part()
    check = LoggedCheck("database", part.check)
    with capture_logs() as lines:
        for reason in (None, "refused", "refused", "late", None, None, "late"):
            part.reason = reason
            if reason is None:
                await check()
            else:
                with pytest.raises(Unavailable, match=reason):
                    await check()
    assert [(line["event"], line.get("reason"), line["log_level"]) for line in lines] == [
        ("database.unavailable", "refused", "warning"),
        ("database.unavailable", "late", "warning"),
        ("database.available", None, "info"),
        ("database.unavailable", "late", "warning"),
    ]
