"""Helpers with which routes declare their responses."""

from typing import Any

from entrypoints.http.openapi.headers import headers
from entrypoints.http.openapi.problem_components import PROBLEMS

Answers = dict[int | str, dict[str, Any]]


def success(description: str, *names: str) -> dict[str, Any]:
    """Describe a success, and the headers that it has besides those of every response."""
    return {"description": description, "headers": headers(*names)}


def problems(*statuses: int) -> Answers:
    return {status: {"description": PROBLEMS[status].description} for status in statuses}
