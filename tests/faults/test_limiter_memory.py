"""What callers without number cost: a limiter's memory is bounded."""

import subprocess
import sys

from tests.conftest import Sized
from tests.tally import Tally

MEBIBYTES_MAX = 64

PROGRAM = """
import asyncio, resource, sys
from pathlib import Path
from adapters.rate_limits.memory import KEYS_MAX, MemoryCounters

def resident():
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # on macOS in bytes

async def main(peers):
    counters = MemoryCounters()
    before = resident()
    for policy in ("read", "write", "create"):
        for owner in range(KEYS_MAX + 1000):
            await counters.hit(f"{policy}/{owner:032x}/600/1/minute", 60)
    for peer in range(peers):
        await counters.hit(f"peer/2001:db8:{peer >> 16:x}:{peer & 0xffff:x}::/64/120/1/minute", 60)
    taken = resident() - before
    count, _ = await counters.hit(f"read/{KEYS_MAX:032x}/600/1/minute", 60)
    assert count == 2
    print(taken)

asyncio.run(main(int(sys.argv[1])))
"""


def test_a_million_peers_and_every_policy_full_stay_within_the_bound(
    sized: Sized, tally: Tally
) -> None:
    """And peers, however many, push no owner out."""
    peers = sized(200_000, 1_000_000)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(peers)], capture_output=True, text=True, check=True
    )
    taken = int(done.stdout) / (1 << 20)
    assert taken > 10, "nothing was kept"
    over = [taken] if taken > MEBIBYTES_MAX else []
    what = f"peers that took more than {MEBIBYTES_MAX} MiB; all took {taken:.0f}"
    tally.none("P8", what, over, of=peers)
