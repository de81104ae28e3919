"""The peers as processes of their own, with the Python of their own environment."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.issuer import Issuer
from tests.bench.peers import asked
from tests.bench.services import Service
from tests.ports import free_port, wait_for_port

PYTHON = Path(sys.prefix) / "peers/bin/python"


@dataclass(frozen=True, slots=True)
class Peer:
    name: str
    distribution: str
    program: str
    requests: Callable[[Issuer], asked.Requests]
    history: Callable[[Issuer, int], bytes]
    statuses: Mapping[str, int]

    @property
    def version(self) -> str:
        ask = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
        command = [str(PYTHON), "-c", ask, self.distribution]
        return subprocess.check_output(command, text=True).strip()


PEERS = (
    Peer(
        "agno AgentOS",
        "agno",
        "agno_service.py",
        asked.of_agno,
        asked.history_of_agno,
        {"page": 200, "list": 200, "create-empty": 201, "append": 201},
    ),
    Peer(
        "Google ADK",
        "google-adk",
        "adk_service.py",
        asked.of_adk,
        asked.history_of_adk,
        {"page": 200, "list": 200, "create": 200, "create-empty": 200, "append": 200},
    ),
)


@contextmanager
def peer(which: Peer, folder: Path, issuer: Issuer, sizes: Sequence[int]) -> Iterator[Service]:
    port = free_port()
    file = folder / f"{which.distribution}.db"
    program = Path(__file__).with_name(which.program)
    log_file = folder / f"{which.distribution}.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [str(PYTHON), "-P", str(program), str(port), str(file)],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        )
    try:
        assert process.stdin
        process.stdin.write(json.dumps(asked.filling(issuer, sizes)).encode())
        process.stdin.close()
        wait_for_port(port, process, log_file)
        yield Service(port, process.pid)
    finally:
        process.kill()
        process.wait()
