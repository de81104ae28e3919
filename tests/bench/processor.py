"""Time on the processor, by the scheduler's count, which has nanoseconds (Linux's sched-stats)."""

from pathlib import Path


def seconds(pid: int) -> float:
    """Of a process, all its threads, and all processes that it started and that still run."""
    return sum(_of_threads(process) for process in tree(pid)) / 1e9


def tree(pid: int) -> list[int]:
    found = [pid]
    for process in found:
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            found += map(int, _read(children).split())
    return found


def _of_threads(pid: int) -> int:
    counts = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(_read(count).split()[0]) for count in counts)


def _read(path: Path) -> str:
    return path.read_text(encoding="ascii")
