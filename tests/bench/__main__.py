"""What a request costs on this machine: `make bench`.

A whole run writes what it found into docs/performance.md; one of some parts, against another
checkout, or a small one, only prints it.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import uvloop

from tests.bench import answering, depth, report, seeds
from tests.bench.kinds import KINDS
from tests.bench.measure import HEAD, table
from tests.bench.stage import BARE, TYPICAL, Stage, stage

ROUNDS = 7

DEPTH = "depth"
PARTS = (*KINDS, DEPTH)


async def measured(made: Stage, asked: argparse.Namespace) -> dict[str, str]:
    """The sections of the page, printed as they come."""
    rows, cells = [], []
    print(HEAD, flush=True)
    for name in KINDS:
        if name in asked.only:
            found = await answering.compared(name, made.sides, asked.rounds)
            rows += _told(map(str, found.rows()))
            cells += list(found.cells())
    sections = {
        "requests": "\n".join([HEAD, *rows]),
        "sides": table(answering.SIDES_HEAD, cells),
    }
    print(f"\n{sections['sides']}\n", flush=True)
    if DEPTH in asked.only:
        deep = _told(map(str, await depth.rows(made, asked.rounds)))
        sections["depth"] = "\n".join([HEAD, *deep])
    return sections


def _told(lines: Iterator[str]) -> list[str]:
    told = list(lines)
    print(*told, sep="\n", flush=True)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--small", action="store_true", help="fewer people, shorter sessions")
    parser.add_argument(
        "--against",
        type=Path,
        metavar="FOLDER",
        help="another checkout of the service, in place of what is typical",
    )
    asked = parser.parse_args()
    writes = not (asked.only or asked.small or asked.against)
    asked.only = asked.only or (KINDS if asked.against else PARTS)
    others = (BARE,) if asked.against else (BARE, TYPICAL)
    sizes = seeds.SMALL if asked.small else seeds.Sizes()
    with (
        tempfile.TemporaryDirectory() as folder,
        stage(Path(folder), sizes, others, asked.against, giants=DEPTH in asked.only) as made,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        answering.check_alike(made.sides)
        sections = runner.run(measured(made, asked))
        sections["machine"] = report.machine(made, asked.rounds)
        print(f"\n{sections['machine']}")
    for section, text in sections.items() if writes else ():
        report.put(section, text)


if __name__ == "__main__":
    main()
