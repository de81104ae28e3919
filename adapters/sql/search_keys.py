"""What an index has of a text, and asks it for. Each key begins with a part of its owner's, so that
a search reads nothing of others' but what shares that part by chance."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

from domain.words import index_keys

_OWNER_DIGITS = 5

ASIDE = 50_000
"""Characters that are looked through in the event loop; of more a thread takes care."""

SIZE_MAX = 500_000
"""Bytes of a text's keys: PostgreSQL takes a megabyte (manual, section 12.11)."""

OVERLONG = "\N{HORIZONTAL ELLIPSIS}"
"""The key of a text of which the index has not all."""


def search_keys(owner: UUID, text: str) -> str:
    """Return the keys of a text, with a space between them."""
    prefix = key_prefix(owner)
    keys = [prefix + key for key in index_keys(text)]
    joined = " ".join(keys)
    if len(joined) * 4 <= SIZE_MAX or len(joined.encode()) <= SIZE_MAX:
        return joined
    return f"{prefix}{OVERLONG} {_cut(keys)}"


async def keys_of(owner: UUID, texts: Mapping[UUID, str | None]) -> dict[UUID, str]:
    """Return the keys of each text of the owner's. Long texts are looked through in a thread, so
    that others are served meanwhile."""

    def find() -> dict[UUID, str]:
        return {id_: search_keys(owner, text or "") for id_, text in texts.items()}

    if sum(len(text or "") for text in texts.values()) > ASIDE:
        return await asyncio.to_thread(find)
    return find()


def key_prefix(owner: UUID) -> str:
    """Return what the keys of the owner's texts begin with."""
    return owner.hex[-_OWNER_DIGITS:]


def _cut(keys: Sequence[str]) -> str:
    size, kept = 0, []
    for key in keys:
        size += len(key.encode()) + 1
        if size > SIZE_MAX:
            break
        kept.append(key)
    return " ".join(kept)
