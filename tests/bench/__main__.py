"""What the service's promises of speed come to on this machine: `make bench`."""

import argparse
import asyncio
import tempfile
from pathlib import Path

import uvloop

from tests.bench import answering, seeds
from tests.bench.kinds import KINDS
from tests.bench.measure import HEAD
from tests.bench.stage import Stage, stage

ROUNDS = 7


async def measure(made: Stage, asked: argparse.Namespace) -> None:
    print(HEAD, flush=True)
    for name in asked.only or (*KINDS, "poll"):
        if name == "poll":
            print(*(await answering.polled(made.sides, asked.rounds))[1], sep="\n", flush=True)
            continue
        found = await answering.compared(KINDS[name], made.sides, asked.rounds)
        print(*found.rows(), sep="\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[*KINDS, "poll"])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--small", action="store_true")
    asked = parser.parse_args()
    sizes = seeds.SMALL if asked.small else seeds.Sizes()
    with tempfile.TemporaryDirectory() as folder, stage(Path(folder), sizes, giants=False) as made:
        answering.check_alike(made.sides)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(measure(made, asked))


if __name__ == "__main__":
    main()
