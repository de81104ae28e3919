"""Validate the head of a request: its path and its headers."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

from entrypoints.http.middleware.response_headers import is_preflight
from entrypoints.http.problem_types import (
    HEAD_TOO_LARGE,
    REPEATED_HEADER,
    ROUTE_NOT_FOUND,
    TWO_LENGTHS,
    UNAVAILABLE,
    UNKNOWN_HOST,
)
from entrypoints.http.problems import Problem
from entrypoints.probe_paths import PROBE_PATHS

HEADER_LINES_MAX = 100
HEADER_BYTES_MAX = 32 * 1024

_LOOPBACK_ALONE = "With a development key the service answers on loopback alone."

REFUSED = "refused"
"""The key, in a scope's state, of the Problem with which the server itself refuses the request."""


@dataclass(frozen=True, slots=True)
class RequestHeadValidator:
    """The validator refuses requests whose head breaks a rule.

    `hosts` are the accepted hosts, as `host_name` returns them. `accepts_address` tells whether a
    request may be served at the local address at which it arrived; None is a Unix socket or an
    unknown address.
    """

    hosts: AbstractSet[str]
    accepts_address: Callable[[str | None], bool]

    def __call__(self, scope: Scope, headers: Headers) -> None:
        """Raise a Problem if the server has refused the request, or a rule is broken."""
        if REFUSED in scope["state"]:
            raise scope["state"][REFUSED]
        address = scope.get("server")
        if not self.accepts_address(address[0] if address else None):
            raise Problem(UNAVAILABLE, _LOOPBACK_ALONE)
        lines = headers.raw
        if len(lines) > HEADER_LINES_MAX or _size(lines) > HEADER_BYTES_MAX:
            raise head_too_large()
        by_name = dict(lines)
        for name in ("host", "authorization") if len(by_name) < len(lines) else ():
            if len(headers.getlist(name)) > 1:
                raise Problem(REPEATED_HEADER, name=name)
        if b"content-length" in by_name and b"transfer-encoding" in by_name:
            # Where the message ends is then a matter of opinion (RFC 9112 section 6.1).
            raise Problem(TWO_LENGTHS)
        if scope["path"] not in PROBE_PATHS and self._host(by_name) not in self.hosts:
            raise Problem(UNKNOWN_HOST)
        if not _can_be_a_route(scope) and not is_preflight(scope["method"], headers):
            raise Problem(ROUTE_NOT_FOUND)

    @staticmethod
    def _host(headers: Mapping[bytes, bytes]) -> str:
        return host_name(headers.get(b"host", b"").decode("latin-1"))


def head_too_large() -> Problem:
    return Problem(HEAD_TOO_LARGE, lines=HEADER_LINES_MAX, size=HEADER_BYTES_MAX)


def _can_be_a_route(scope: Scope) -> bool:
    """Whether a route may match the path: the `$` of a route's pattern would let a newline pass."""
    return not scope["path"].endswith("\n")


def _size(lines: list[tuple[bytes, bytes]]) -> int:
    return sum([len(name) + len(value) + 4 for name, value in lines])


def host_name(host: str) -> str:
    """Return a Host header's name without its port, in lower case (RFC 9110 section 7.2)."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and (port.isdecimal() or not port) else host.lower()
