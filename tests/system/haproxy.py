"""What HAProxy says of its services and its clients."""

import socket

from tests.system.proxies import Proxy
from tests.waiting import wait_until


def _rows(proxy: Proxy, kind: int) -> list[dict[str, str]]:
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(proxy.folder / "control"))
        asking.sendall(f"show stat -1 {kind} -1\n".encode())
        with asking.makefile() as answer:
            names, *rows = [line.split(",") for line in answer if line.strip()]
    return [dict(zip(names, row, strict=True)) for row in rows]


def ready(proxy: Proxy) -> int:
    """How many of its services it sends requests to."""
    return sum(row["status"] == "UP" for row in _rows(proxy, 4))


def connections(proxy: Proxy) -> int:
    """How many its clients have made in all."""
    return sum(int(row["conn_tot"]) for row in _rows(proxy, 1))


def wait_for(proxy: Proxy, services: int) -> None:
    wait_until(lambda: ready(proxy) == services, lambda: f"{ready(proxy)} services are ready")
