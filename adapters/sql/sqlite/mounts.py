"""Read the table of mounts on Linux (proc_pid_mountinfo(5)); other systems have no such table."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MOUNTS = Path("/proc/self/mountinfo")

NETWORK = frozenset({"afs", "cifs", "fuse.sshfs", "nfs", "nfs4", "smb3"})
"""Network file systems. They lack the shared memory that the write-ahead log needs
(https://sqlite.org/wal.html section 1), and flock() and fcntl() locks collide there (flock(2))."""

_ESCAPED = re.compile(rb"\\([0-7]{3})")


class Mount(NamedTuple):
    device: tuple[int, int]
    """The device's major and minor number."""
    point: bytes
    kind: str


def mounts(table: bytes) -> Iterator[Mount]:
    for line in table.splitlines():
        fields, _, filesystem = line.partition(b" - ")
        _, _, device, _, point = fields.split(b" ")[:5]
        major, _, minor = device.partition(b":")
        escaped = _ESCAPED.sub(lambda octal: bytes([int(octal[1], 8)]), point)
        yield Mount((int(major), int(minor)), escaped, filesystem.split(b" ")[0].decode())


def is_mounted(path: Path) -> bool:
    """Whether the file is mounted by itself, and so is in its folder for some processes only.

    Without the table, a mount of the same file system as the folder's cannot be recognised.
    """
    try:
        table = MOUNTS.read_bytes()
    except OSError:
        return path.exists() and path.stat().st_dev != path.parent.stat().st_dev
    return os.fsencode(path) in {mount.point for mount in mounts(table)}


def network_of(path: Path) -> str | None:
    """Return the kind of network file system that the path is on, or None if it is on none."""
    try:
        table = MOUNTS.read_bytes()
    except OSError:
        return None
    found = path.stat().st_dev
    device = os.major(found), os.minor(found)
    kinds = {mount.kind for mount in mounts(table) if mount.device == device}
    return next(iter(kinds & NETWORK), None)
