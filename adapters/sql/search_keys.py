"""What an index has of a text, and asks it for. Each key begins with a part of its owner's, so that
a search reads nothing of others' but what shares that part by chance."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import accumulate
from uuid import UUID

from adapters.sql.column_types import TextKeys
from domain.words import index_keys

_OWNER_DIGITS = 5

ASIDE = 50_000
"""Characters that are looked through in the event loop; of more a thread takes care."""

SIZE_MAX = 500_000
"""Bytes of a text's keys: PostgreSQL takes a megabyte (manual, section 12.11)."""

OVERLONG = "\N{HORIZONTAL ELLIPSIS}"
"""The key of a text of which the index has not all."""


def search_keys(owner: UUID, text: str) -> TextKeys:
    """Return the keys of a text."""
    keys = list(index_keys(text))
    prefix, joined = key_prefix(owner), " ".join(keys)
    room = SIZE_MAX - len(keys) * len(prefix)
    if len(joined) * 4 > room and len(joined.encode()) > room:
        joined = f"{OVERLONG} {_cut(keys)}"
    return TextKeys(prefix, joined)


async def keys_of(owner: UUID, texts: Mapping[UUID, str | None]) -> dict[UUID, TextKeys]:
    """Return the keys of each text of the owner's. Long texts are looked through in a thread, so
    that others are served meanwhile."""

    def find() -> dict[UUID, TextKeys]:
        return {id_: search_keys(owner, text or "") for id_, text in texts.items()}

    if sum(len(text or "") for text in texts.values()) > ASIDE:
        return await asyncio.to_thread(find)
    return find()


def key_prefix(owner: UUID) -> str:
    """Return what the keys of the owner's texts begin with."""
    return owner.hex[-_OWNER_DIGITS:]


def _cut(keys: Sequence[str]) -> str:
    ends = accumulate(_OWNER_DIGITS + len(key.encode()) + 1 for key in keys)
    return " ".join(key for key, end in zip(keys, ends, strict=True) if end <= SIZE_MAX)
