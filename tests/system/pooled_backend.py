"""A plugin for pytest: the contract's suite has one more backend, behind pgbouncer. What
HTTP adds does not reach that far."""

from pathlib import Path

from adapters.sql import SqlStorage
from tests.contract.backends import BACKENDS
from tests.databases import empty_database
from tests.system.pgbouncer import pooled_storage


def _emptied(_: Path) -> SqlStorage:
    empty_database("plain")
    return pooled_storage("plain")


BACKENDS["postgresql-pgbouncer"] = _emptied
