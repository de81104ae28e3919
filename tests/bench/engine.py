"""The engine's own limit: the same statements by PostgreSQL's pgbench, with no service at all."""

import re
import statistics
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.bench import seeds
from tests.bench.kinds import LIMIT
from tests.bench.sides import bare
from tests.bench.stage import Stage
from tests.bench.table import short, table

COUNT = 1000
HEAD = ("statement", "ms by the clock (least - most)")

_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


def measured(made: Stage, rounds: int) -> str:
    """One client, prepared statements, in the same turns as the services."""
    found: dict[str, list[float]] = {}
    scripts = _scripts(made)
    for past in range(rounds):
        for name in list(scripts)[:: 1 if past % 2 else -1]:
            found.setdefault(name, []).append(_taken(made, scripts[name]))
    return table(HEAD, (_cells(name, found[name]) for name in scripts))


def _cells(name: str, taken: Sequence[float]) -> Sequence[str]:
    return name, f"{short(statistics.median(taken))} ({short(min(taken))} - {short(max(taken))})"


def _taken(made: Stage, script: Path) -> float:
    command: list[str | Path] = [
        made.server.programs / "pgbench",
        "--no-vacuum",
        "--client=1",
        "--protocol=prepared",
        f"--transactions={COUNT}",
        f"--file={script}",
        made.database,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    rate = _TPS.search(done.stdout)
    assert rate, done.stdout
    return 1000 / float(rate[1])


def _scripts(made: Stage) -> Mapping[str, Path]:
    return {name: _script(made, name, text) for name, text in _statements(made)}


def _script(made: Stage, name: str, text: str) -> Path:
    path = made.folder / f"{name.replace(' ', '-')}.sql"
    path.write_text(text)
    return path


def _statements(made: Stage) -> Iterator[tuple[str, str]]:
    who = seeds.person(0)
    session = made.sides["PostgreSQL"].session(who)
    mine, lister = f"'{made.key(who)}'::uuid", f"'{made.key(seeds.LISTER)}'::uuid"
    one = f"'{session}'::uuid"
    yield f"page of {LIMIT}", _filled(bare.MESSAGES, mine, one, "0", str(LIMIT))
    yield f"list of {LIMIT} sessions", _filled(bare.SESSIONS, lister, str(LIMIT), "0")
    yield "one session", _filled(bare.SESSION, mine, one)
    text = f"ARRAY['{'x' * seeds.TEXT_LENGTH}']"
    said = ("ARRAY[uuidv7()]", "ARRAY['user']", text, "ARRAY['{}']")
    yield "append one", _filled(bare.APPEND, mine, one, *said, "0")


def _filled(statement: str, *values: str) -> str:
    """The parameters in place: pgbench knows no arrays."""
    filled = re.sub(r"\$(\d+)", lambda found: values[int(found[1]) - 1], statement)
    return filled.replace("\n", " ") + ";\n"
