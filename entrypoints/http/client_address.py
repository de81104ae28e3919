"""Find the address of a request's client, also behind proxies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from itertools import islice

from starlette.requests import Request

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

HOPS_MAX = 16
"""The most entries of X-Forwarded-For that are read."""

_SUBSCRIBER_BITS = 64
"""The bits of an IPv6 address that identify a subscriber, who chooses the rest (RFC 6177)."""


@dataclass(frozen=True, slots=True)
class ClientAddresses:
    """Names the clients of requests. `proxies` are those whose X-Forwarded-For is trusted."""

    proxies: Sequence[Network] = ()

    def name(self, request: Request) -> str:
        """Return an IPv4 address, the /64 of an IPv6 one, or "unknown" if the socket has none.

        X-Forwarded-For counts only from a configured proxy: it is read from its end, over those
        configured, up to the first that is not. An entry that is no address ends the reading.
        """
        peer = _address(request.client.host if request.client else "")
        if peer is None:
            return "unknown"
        for hop in _forwarded(request):
            if not self._is_proxy(peer) or hop is None:
                break
            peer = hop
        return _name(peer)

    def _is_proxy(self, address: Address) -> bool:
        return any(address in network for network in self.proxies)


def _forwarded(request: Request) -> Iterator[Address | None]:
    """Yield the nearest hop first. Several headers form one list (RFC 9110 section 5.3)."""
    entries = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    for entry in islice(reversed(entries), HOPS_MAX):
        yield _address(_without_port(entry.strip(" \t")))


def _without_port(entry: str) -> str:
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _name(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address), _SUBSCRIBER_BITS), strict=False))
