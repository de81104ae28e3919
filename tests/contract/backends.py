"""Every storage that keeps the contract. A new one is one line here."""

from collections.abc import Callable
from pathlib import Path

from adapters.memory import MemoryStorage
from adapters.sql import SqliteStorage
from application.ports.storage import Storage

BACKENDS: dict[str, Callable[[Path], Storage]] = {
    "memory": lambda _: MemoryStorage(),
    "sqlite": lambda folder: SqliteStorage(folder / "chat.db"),
}
