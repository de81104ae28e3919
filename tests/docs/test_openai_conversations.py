"""What docs/openai-conversations.md says is so. Its blocks in Python need OpenAI's packages, and
are run by tests/clients/frameworks."""

import re
from pathlib import Path

from domain.body import BODY_MAX_DEFAULT
from domain.metadata import METADATA_MAX
from entrypoints.http.openai_dialect.conversation_schemas import (
    ITEMS_MAX,
    LIMIT_DEFAULT,
    LIMIT_MAX,
    PAIRS_MAX,
)
from entrypoints.http.openai_dialect.earlier_items import LOOK_BACK, LOOK_BACK_BYTES
from entrypoints.http.openai_dialect.refused_tries import KEPT
from entrypoints.http.openai_dialect.unkeyed_retries import PERIOD

PAGE = (Path(__file__).parents[2] / "docs" / "openai-conversations.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_its_limits_are_those_of_the_dialect() -> None:
    assert f"up to {PAIRS_MAX} pairs" in PAGE
    assert f"1 to {LIMIT_MAX}" in PAGE
    assert f"{METADATA_MAX // 1024} KiB" in PAGE
    assert f"{BODY_MAX_DEFAULT // 1024} KiB" in PAGE
    assert ITEMS_MAX == 20
    assert f"1 to {LIMIT_MAX}, and 0 is {LIMIT_DEFAULT}" in PAGE
    assert f"newest {LOOK_BACK:,} of the last {PERIOD.seconds // 60} minutes" in PAGE
    assert f"{LOOK_BACK_BYTES // 1024**2} MiB" in PAGE
    assert f"for {KEPT.seconds} seconds" in PAGE
