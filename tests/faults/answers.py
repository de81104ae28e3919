"""What a client may be told while something is at fault."""

import httpx2

LONGEST = 5.0
"""Seconds that an answer may take, and that healing may take, on a quiet machine."""


def is_refused_for_now(answer: httpx2.Response) -> bool:
    """A 503 as the contract has it, which says when to come again."""
    return (
        answer.status_code == 503
        and answer.headers["Content-Type"] == "application/problem+json"
        and answer.headers["Retry-After"].isdigit()
    )
