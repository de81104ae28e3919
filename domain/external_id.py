from dataclasses import dataclass

from domain.errors import in_field
from domain.text import printable

EXTERNAL_ID_MAX = 255
"""Characters in an id of the client's own."""


@dataclass(frozen=True, slots=True)
class ExternalId:
    """A client's own id of a session, unique among its owner's, or of a message, unique in its
    session. Raises InvalidValue unless it has 1-255 printable characters and no space at its
    ends."""

    value: str

    def __post_init__(self) -> None:
        check_external_id(self.value)


def check_external_id(value: str | None) -> str | None:
    """Return an external id as it is. Raises InvalidValue."""
    if value is None:
        return None
    with in_field("external_id"):
        return printable(value, EXTERNAL_ID_MAX)
