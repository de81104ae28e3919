"""What goes into one request."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MESSAGES_MAX = 100
BYTES_MAX = 2**22
"""Less than a request may have, since a service may be set to take less than its default."""


def batches(messages: Iterable[Mapping[str, Any]]) -> Iterator[list[Any]]:
    """Lists of messages that fit into a request, in the same order.

    Raises ValueError for what JSON cannot hold.
    """
    batch: list[Mapping[str, Any]] = []
    size = 0
    for message in messages:
        length = _length(message)
        if batch and (len(batch) == MESSAGES_MAX or size + length > BYTES_MAX):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += length
    if batch:
        yield batch


def _length(message: Mapping[str, Any]) -> int:
    try:
        return len(json.dumps(message))
    except TypeError as error:
        raise ValueError(f"a message cannot be written as JSON: {error}") from error
