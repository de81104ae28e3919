"""What the service's promises of speed come to on this machine: `make bench`.

A whole run writes what it found into docs/performance.md; one of some parts, or a small one, only
prints it.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop

from tests.bench import answering, depth, engine, report, seeds, workers
from tests.bench.answering import Found
from tests.bench.kinds import KINDS
from tests.bench.measure import HEAD, Row
from tests.bench.stage import Stage, stage
from tests.bench.table import table

ROUNDS = 7

POLL, DEPTH, ENGINE, LOAD = "poll", "depth", "engine", "load"
PARTS = (*KINDS, POLL, DEPTH, ENGINE, LOAD)


@dataclass(frozen=True, slots=True)
class Run:
    made: Stage
    parts: Collection[str]
    rounds: int
    writes: bool

    async def measure(self) -> None:
        await self._requests()
        if DEPTH in self.parts:
            await self._depth()
        if ENGINE in self.parts:
            self._put("engine", await asyncio.to_thread(engine.measured, self.made, self.rounds))
        if LOAD in self.parts:
            await self._load()
        if self.parts is PARTS:
            self._put("machine", self._machine)

    async def _requests(self) -> None:
        found: list[Found] = []
        rows: list[Row] = []
        print(HEAD, flush=True)
        for name in KINDS:
            if name in self.parts:
                found.append(await answering.compared(KINDS[name], self.made.sides, self.rounds))
                rows += self._told(list(found[-1].rows()))
        if POLL in self.parts:
            polls, ratios = await answering.polled(self.made.sides, self.rounds)
            found.append(polls)
            rows += self._told(ratios)
        if found:
            self._put("requests", "\n".join([HEAD, *map(str, rows)]), is_told=True)
            cells = [line for one in found for line in one.cells()]
            self._put("sides", table(answering.SIDES_HEAD, cells))

    async def _depth(self) -> None:
        lines = [HEAD]
        for name, measured in (("depth", depth.by_depth), ("size", depth.by_size)):
            rows, svg = await measured(self.made, self.rounds)
            lines += map(str, rows)
            if self.writes:
                report.draw(name, svg)
        self._put("depth", "\n".join(lines))

    async def _load(self) -> None:
        both = (self.made.sides["PostgreSQL"], self.made.second)
        rows = await workers.paces(both, self.rounds)
        cells, charts = await workers.loaded(both)
        for name, svg in charts.items() if self.writes else ():
            report.draw(name, svg)
        self._put("load", "\n".join([HEAD, *map(str, rows), "", cells]))

    def _told(self, rows: Sequence[Row]) -> Sequence[Row]:
        print(*rows, sep="\n", flush=True)
        return rows

    def _put(self, section: str, text: str, *, is_told: bool = False) -> None:
        if not is_told:
            print(f"\n{text}", flush=True)
        if self.writes:
            own = (
                "" if self.parts is PARTS else f"\n\nThis part in a run of its own. {self._machine}"
            )
            report.put(section, text + own)

    @property
    def _machine(self) -> str:
        return report.machine(self.made, self.rounds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--small", action="store_true", help="fewer people, shorter sessions")
    parser.add_argument("--write", action="store_true", help="write what was measured all the same")
    asked = parser.parse_args()
    writes = asked.write or (asked.only is PARTS and not asked.small)
    sizes = seeds.SMALL if asked.small else seeds.Sizes()
    giants = DEPTH in asked.only
    with (
        tempfile.TemporaryDirectory() as folder,
        stage(Path(folder), sizes, giants=giants) as made,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        answering.check_alike(made.sides)
        runner.run(Run(made, asked.only, asked.rounds, writes).measure())


if __name__ == "__main__":
    main()
