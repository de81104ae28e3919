from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.message import Role


@dataclass(frozen=True)
class Shape:
    """A message in one format, and what should be read out of it."""

    format: str
    item: Mapping[str, Any]
    role: Role
    text: str = ""
    external_id: str | None = None
    name: str | None = None
