"""Where the service listens."""

import socket
from typing import Any

import pytest

from application.errors import StartRefused
from entrypoints.listeners import bound, listen


@pytest.fixture
def addresses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a name leads to on this machine; the test adds to it."""
    found: list[str] = []
    resolve = socket.getaddrinfo

    def resolved(host: str, port: int, *given: Any, **how: Any) -> list[Any]:
        hosts = found if host == "localhost" else [host]
        return [one for address in hosts for one in resolve(address, port, *given, **how)]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    return found


def test_a_name_of_several_addresses_is_served_at_each_with_one_port(addresses: list[str]) -> None:
    """But for those that this machine does not have."""
    addresses += ["127.0.0.1", "192.0.2.1", "127.0.0.2"]
    with bound("localhost", 0) as sockets:
        listen(sockets)
        ports = {one.getsockname()[1] for one in sockets}
        assert [one.getsockname()[0] for one in sockets] == ["127.0.0.1", "127.0.0.2"]
        assert len(ports) == 1
        for host in ("127.0.0.1", "127.0.0.2"):
            socket.create_connection((host, *ports), timeout=5).close()


def test_every_address_is_those_of_ipv4_too() -> None:
    hosts = ["::1", "127.0.0.1"] if has_ipv6() else ["127.0.0.1"]
    with bound("::" if has_ipv6() else "0.0.0.0", 0) as sockets:  # noqa: S104 - what is asked for
        listen(sockets)
        for host in hosts:
            socket.create_connection((host, sockets[0].getsockname()[1]), timeout=5).close()


def has_ipv6() -> bool:
    """Whether this machine has it switched on."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_until_it_listens_a_client_is_refused() -> None:
    with bound("127.0.0.1", 0) as sockets:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(sockets[0].getsockname(), timeout=5)
        listen(sockets)
        socket.create_connection(sockets[0].getsockname(), timeout=5).close()


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("192.0.2.1", "192.0.2.1 port 0: Cannot assign requested address: set CHAT_SESSIONS_HOST "),
        ("a..b", "a..b: CHAT_SESSIONS_HOST is no host's name"),
        ("x" * 70, f"{'x' * 70}: CHAT_SESSIONS_HOST is no host's name"),
    ],
)
def test_a_host_that_is_not_here_is_told(host: str, told: str) -> None:
    with pytest.raises(StartRefused) as refusal, bound(host, 0):
        pass
    assert str(refusal.value).startswith(f"cannot listen on {told}")


def test_a_port_that_is_taken_is_told_then_or_when_both_have_begun() -> None:
    """Two that start at once may both bind it."""
    with bound("127.0.0.1", 0) as first:
        port = first[0].getsockname()[1]
        told = f"127.0.0.1 port {port}: Address already in use: set CHAT_SESSIONS_PORT to one"
        with bound("127.0.0.1", port) as second:
            listen(first)
            with pytest.raises(StartRefused, match=told):
                listen(second)
        with pytest.raises(StartRefused, match=told), bound("127.0.0.1", port):
            pass
