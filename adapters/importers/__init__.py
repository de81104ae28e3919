"""What other programs export, read as conversations. Each module knows the files of one program."""

from adapters.importers.files import opened
from adapters.importers.kinds import KINDS, Kind, parts_of

__all__ = ["KINDS", "Kind", "opened", "parts_of"]
