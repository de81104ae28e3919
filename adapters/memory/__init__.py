"""Storage in the process's own memory, gone when it ends."""

from adapters.memory.storage import MemoryStorage

__all__ = ["MemoryStorage"]
