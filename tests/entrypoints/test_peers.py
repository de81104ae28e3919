"""Whose address a request counts as coming from."""

from ipaddress import ip_network

import pytest
from starlette.requests import Request

from entrypoints.http.client_address import HOPS_MAX, ClientAddresses

PROXIES = ("10.0.0.0/8", "192.0.2.1", "fd00::/8")


def name(peer: str | None, *fields: str, proxies: tuple[str, ...] = PROXIES) -> str:
    scope = {
        "type": "http",
        "client": peer and (peer, 1),
        "headers": [(b"x-forwarded-for", field.encode("latin-1")) for field in fields],
    }
    return ClientAddresses([ip_network(proxy) for proxy in proxies]).name(Request(scope))


@pytest.mark.parametrize("fields", [(), ("203.0.113.9",), ("10.0.0.9, 203.0.113.9",)])
@pytest.mark.parametrize("peer", ["198.51.100.7", "::ffff:198.51.100.7"])
def test_a_peer_that_is_no_proxy_is_itself_whatever_it_says(
    peer: str, fields: tuple[str, ...]
) -> None:
    assert name(peer, *fields) == "198.51.100.7"
    assert name("10.0.0.1", *fields, proxies=()) == "10.0.0.1"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ((), "10.0.0.1"),
        (("203.0.113.9",), "203.0.113.9"),
        (("198.51.100.7, 203.0.113.9",), "203.0.113.9"),
        (("198.51.100.7, 203.0.113.9, 10.9.9.9, 192.0.2.1",), "203.0.113.9"),
        (("198.51.100.7", "203.0.113.9", "10.9.9.9"), "203.0.113.9"),
        (("203.0.113.9 ,\t10.9.9.9 ",), "203.0.113.9"),
        (("10.7.7.7, 10.8.8.8",), "10.7.7.7"),
        (("::ffff:203.0.113.9, ::ffff:10.9.9.9",), "203.0.113.9"),
        (("2001:db8:1:2:3::9, fd00::1",), "2001:db8:1:2::/64"),
        (("203.0.113.9:4711, 10.9.9.9:80",), "203.0.113.9"),
        (("[2001:db8:1:2::9]:4711",), "2001:db8:1:2::/64"),
        (("[2001:db8:1:2::9]",), "2001:db8:1:2::/64"),
    ],
)
def test_a_proxys_word_is_read_from_its_end_over_the_proxies(
    fields: tuple[str, ...], expected: str
) -> None:
    assert name("10.0.0.1", *fields) == expected
    assert name("::ffff:10.0.0.1", *fields) == expected


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "unknown",
        "_hidden",
        "203.0.113",
        "203.0.113.256",
        "0x7f.1",
        "é",
        "1::2::3",
        "]",
        "[",
        ":",
    ],
)
def test_an_entry_that_is_no_address_ends_the_reading_at_the_hop_that_wrote_it(entry: str) -> None:
    assert name("10.0.0.1", f"203.0.113.9, {entry}, 10.9.9.9") == "10.9.9.9"
    assert name("10.0.0.1", f"203.0.113.9, {entry}") == "10.0.0.1"


def test_a_subscriber_is_one_peer_whatever_part_of_its_network_it_uses() -> None:
    assert name("2001:db8:1:2:3:4:5:6") == name("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert name("2001:db8:1:3::1") == "2001:db8:1:3::/64"
    assert name("fe80::1%eth0") == "fe80::/64"


def test_a_peer_without_an_address_is_unknown_and_no_proxy() -> None:
    assert name(None, "203.0.113.9") == "unknown"
    assert name("/run/service.sock", "203.0.113.9") == "unknown"


def test_only_so_many_hops_are_looked_at() -> None:
    hops = ", ".join(["203.0.113.9", *["10.9.9.9"] * (HOPS_MAX - 1)])
    assert name("10.0.0.1", hops) == "203.0.113.9"
    assert name("10.0.0.1", hops + ", 10.9.9.9") == "10.9.9.9"
