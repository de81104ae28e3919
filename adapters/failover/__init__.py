"""Reads from a standby while the primary is down: an adapter over two storages."""

from adapters.failover.storage import FailoverStorage

__all__ = ["FailoverStorage"]
