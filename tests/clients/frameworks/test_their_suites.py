"""The frameworks' own tests hold where the service keeps what they store.

A test that is left out is named, with the reason; where it begins to pass, this fails.
"""

from pathlib import Path

import pytest

from tests.clients.frameworks.service import Service
from tests.clients.frameworks.sources import outcomes, source

_CONNECTIONS = "looks into the connections that SQLiteSession has to its file"
_ROWS = "writes broken rows into SQLiteSession's file"
_LOCKS = "looks into the lock that SQLiteSession has on its file"
_CLOSED = "expects a closed file to refuse writes"
_INSERT = "replaces a private method of SQLiteSession's"

SESSIONS = {
    "test_sqlite_session_close_closes_worker_thread_connections": _CONNECTIONS,
    "test_sqlite_session_reaps_connections_from_exited_worker_threads": _CONNECTIONS,
    "test_sqlite_session_closes_retired_connections_before_the_next_allocation": _CONNECTIONS,
    "test_sqlite_session_keeps_connections_of_live_worker_threads": _CONNECTIONS,
    "test_sqlite_session_closed_rejects_empty_add_items": _CLOSED,
    "test_sqlite_session_pop_item_skips_corrupt_most_recent": _ROWS,
    "test_sqlite_session_pop_item_returns_none_after_dropping_only_corrupt_rows": _ROWS,
    "test_sqlite_session_get_items_limit_skips_corrupt_newest_rows": _ROWS,
    "test_sqlite_session_get_items_session_settings_limit_skips_corrupt_rows": _ROWS,
    "test_sqlite_session_file_lock_is_shared_across_instances": _LOCKS,
    "test_sqlite_session_failed_add_items_releases_write_lock": _LOCKS,
    "test_sqlite_session_failed_clear_session_rolls_back": _LOCKS,
    "test_sqlite_session_failed_pop_item_releases_write_lock": _LOCKS,
    "test_sqlite_session_rollback_failure_evicts_connection": _CONNECTIONS,
    "test_sqlite_session_close_retries_quarantined_connection": _CONNECTIONS,
    **{
        f"test_sqlite_session_post_commit_cancellation_propagates_after_known_outcome[{act}]": (
            _CONNECTIONS
        )
        for act in ("add", "pop", "clear")
    },
}
RUNNER = {
    f"test_handoff_resume_after_cancelled_compaction_commits[{run}-{state}]": _INSERT
    for run in ("run", "streamed")
    for state in ("live", "json")
}
RUNNER_FILES = [
    f"tests/test_{name}.py"
    for name in (
        *("agent_runner", "agent_runner_streamed", "cancel_streaming"),
        *("handoff_history_duplication", "hitl_session_scenario", "invalid_final_output_handler"),
        *("max_turns", "native_tool_failure_history", "programmatic_tool_calling"),
        *("prompt_cache_key", "run_impl_resume_paths", "run_state_pending_input"),
        *("runner_guardrail_resume", "runner_tracing_disabled", "runtime_symmetry_contract"),
        *("soft_cancel", "tool_batch_failure_history", "tool_failure_boundaries"),
    )
]
"""Those that build a session. test_error_logging_redaction.py does, too, and fails without this
project as well, with the versions that are locked."""

SUITES = {
    "Agents SDK: sessions": (
        "openai-agents",
        "agents_sessions",
        ["tests/memory/test_session.py", "tests/memory/test_session_limit.py"],
        SESSIONS,
        53,
    ),
    "Agents SDK: runner": ("openai-agents", "agents_sessions", RUNNER_FILES, RUNNER, 1200),
    "Strands: repository manager": (
        "strands-agents",
        "strands_sessions",
        ["--noconftest", "tests/strands/session/test_repository_session_manager.py"],
        {},
        51,
    ),
}


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.timeout(1500)
def test_a_suite_holds(service: Service, tmp_path: Path, suite: str) -> None:
    package, plugin, arguments, left_out, least = SUITES[suite]
    settings = {"SERVICE_URL": service.url, "SERVICE_TOKEN": service.token(suite)}
    passed, failed = outcomes(source(package, tmp_path), plugin, settings, *arguments)
    assert failed - left_out.keys() == set()
    assert left_out.keys() - failed == set(), "no longer fail: take them off the table"
    assert len(passed) >= least
