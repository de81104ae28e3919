"""A plugin for pytest: the suites that run on every backend have one more, where each request goes
to the other one of two applications over one PostgreSQL database. Nothing else but the clock is
common to them."""

import pytest

from tests.contract.backends import BACKENDS, postgresql
from tests.databases import empty_database, migrated_database
from tests.entrypoints.workers import BESIDE

BACKENDS["postgresql-two-workers"] = lambda _: postgresql(empty_database("plain"))
BESIDE.append(lambda: postgresql(migrated_database("plain")))

OF_ONE_PROCESS = {
    "test_a_draining_service_is_not_ready_and_still_serves": "the other one does not drain",
    "test_readiness_names_the_part_that_is_away": "the other one's pool is not closed",
}
"""Tests that are left out, each with its reason."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if item.name.partition("[")[0] in OF_ONE_PROCESS]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
