"""Which service processes HAProxy holds to be ready."""

import socket
import time

from tests.system.proxies import Proxy


def ready(proxy: Proxy) -> int:
    """How many of its services it sends requests to."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(proxy.folder / "control"))
        asking.sendall(b"show stat -1 4 -1\n")
        with asking.makefile() as answer:
            rows = [line.split(",") for line in answer if line.strip()]
    return sum(row[rows[0].index("status")] == "UP" for row in rows[1:])


def wait_for(proxy: Proxy, services: int) -> None:
    for _ in range(600):
        if ready(proxy) == services:
            return
        time.sleep(0.05)
    raise TimeoutError(f"{ready(proxy)} services are ready, not {services}")
