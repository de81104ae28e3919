"""Ours by the side of other stores of conversations: `make bench-peers`.

They run on SQLite. agno checks tokens as it has it, Google ADK checks none.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import uvloop

from tests.bench import depth, report, seeds
from tests.bench.kinds import EMPTY_CREATE, KINDS
from tests.bench.measure import HEAD, Goal, Row
from tests.bench.peers.services import PEERS, peer
from tests.bench.services import Service
from tests.bench.stage import BARE, OURS, POSTGRESQL, SQLITE, Stage, stage
from tests.bench.turns import Way, turns

ROUNDS = 5
HISTORY_ROUNDS = 3
COUNT = 104
ASKED = {**KINDS, "create-empty": EMPTY_CREATE}
NAMES = ("page", "list", "create", "create-empty", "append")
"""Each peer is asked for those that it has."""

AGAINST = {
    f"ours on {SQLITE}": (OURS, SQLITE),
    f"ours on {POSTGRESQL}": (OURS, POSTGRESQL),
    "bare": (BARE, SQLITE),
}

MUCH = 100_000
FIVE_TIMES = Goal(5, at_most=False)


@dataclass(frozen=True, slots=True)
class Run:
    made: Stage
    peers: Mapping[str, Service]
    rounds: int
    much: int

    async def rows(self) -> Sequence[Row]:
        found = [row for name in NAMES for row in await self._compared(name)]
        return [*found, *await self._by_size()]

    async def _compared(self, name: str) -> Sequence[Row]:
        kind = ASKED[name]
        asked = {one.name: one.requests(self.made.issuer) for one in PEERS}
        peers = [one for one in PEERS if name in asked[one.name]]
        ways = {}
        for title, side in AGAINST.items():
            people = self.made.sides[side]
            ways[title] = Way(people.service, kind.requests(people), kind.status, COUNT)
        for one in peers:
            service, requests = self.peers[one.name], asked[one.name][name]
            ways[one.name] = Way(service, requests, one.statuses[name], COUNT)
        found = await turns(ways, self.rounds)
        best = min(peers, key=lambda one: sum(turn.own for turn in found[one.name])).name
        return [
            Row(
                SQLITE,
                f"{kind.name}, {one.name} : {title}",
                [turn.own for turn in found[one.name]],
                [turn.own for turn in found[title]],
                FIVE_TIMES if one.name == best and side[0] == OURS else None,
            )
            for one in peers
            for title, side in AGAINST.items()
        ]

    async def _by_size(self) -> Sequence[Row]:
        """The whole history where there is no page."""
        sizes = (self.much, seeds.FEW)
        ways = {
            (one.name, size): Way(
                self.peers[one.name], [one.history(self.made.issuer, size)], 200, 1, 1
            )
            for one in PEERS
            for size in sizes
        }
        for title, side in AGAINST.items():
            for size in sizes if side[0] == OURS else ():
                ways[title, size] = depth.way(self.made.sides[side], size, "limit=10")
        found = await turns(ways, min(self.rounds, HISTORY_ROUNDS))
        what = f"page at {self.much:,} messages : at {seeds.FEW}"
        return [
            Row(
                SQLITE,
                f"{what}, {name}",
                [turn.own for turn in found[name, self.much]],
                [turn.own for turn in found[name, seeds.FEW]],
            )
            for name in dict.fromkeys(name for name, _ in ways)
        ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--small", action="store_true", help="print of a shorter history")
    asked = parser.parse_args()
    much = MUCH // 50 if asked.small else MUCH
    sizes = seeds.Sizes(people=150, long=much, many=1_000)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        made = stack.enter_context(stage(folder, sizes, (BARE,), giants=True))
        peers = {
            one.name: stack.enter_context(peer(one, folder, made.issuer, (much, seeds.FEW)))
            for one in PEERS
        }
        runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        rows = runner.run(Run(made, peers, asked.rounds, much).rows())
        versions = ", ".join(f"{one.name} {one.version}" for one in PEERS)
        machine = report.machine(made, asked.rounds)
        text = "\n".join([f"{versions}. {machine}", "", HEAD, *map(str, rows)])
        print(text)
        if not asked.small:
            report.put("peers", text)


if __name__ == "__main__":
    main()
