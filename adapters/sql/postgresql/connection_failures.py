"""A connection failure says in words for the operator why there is no connection, and whether to
wait for one."""

import errno
import os
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, replace
from socket import gaierror

import asyncpg

from adapters.sql.postgresql.parameters import UrlRefused
from adapters.sql.postgresql.session_settings import SettingsNotApplied
from adapters.sql.postgresql.target import Host

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

NO_TLS = "rejected SSL upgrade"
"""How the driver's error reads when a server speaks no TLS."""

_TRANSIENT_STATES = {"57P01", "57P02", "57P03"}
_TRANSIENT_CLASSES = {"08", "53"}
_TRANSIENT_ERRORS = {
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EPIPE,
    errno.ETIMEDOUT,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.EHOSTDOWN,
    errno.ENOENT,  # a Unix socket
}
_PERMANENT_TEXTS = ("startup parameter", "no such database", "no such user", "authentication")
"""Texts of a pooler's lasting errors: a pooler gives every error the state 08P01."""

_CERTIFICATE = {
    9: "is not valid yet: is a clock wrong?",
    10: "has expired: renew it on the server",
    12: "cannot be checked, since the list of sslcrl has expired",
    3: "cannot be checked, since sslcrl lacks its authority's list",
    23: "has been revoked (sslcrl)",
    62: "is not for this name: write one that it bears, or have it made anew",
    64: "is not for this address: write a name that it bears, or have it made anew",
}
"""What is wrong with a certificate, by OpenSSL's codes (X509_V_ERR_...)."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure is why one address of one host gave no connection, with a text for the operator."""

    place: str
    text: str
    is_transient: bool
    was_reached: bool = False

    @classmethod
    def from_error(
        cls, host: Host, address: str | None, error: Exception, seconds: float
    ) -> "Failure":
        """Make the failure that an error means, where the attempt was allowed `seconds`."""
        shown = f"{host} ({address})" if address not in (None, host.name) else str(host)
        was_reached = isinstance(error, SettingsNotApplied)
        return cls(shown, explain(error, seconds), is_transient(error), was_reached)

    def with_cause(self, cause: str) -> "Failure":
        return replace(self, text=f"{self.text}: {cause}") if cause else self


class CannotConnect(OSError):
    """No host gave a connection."""

    def __init__(self, failures: Iterable[Failure]) -> None:
        self.failures = tuple(failures)
        self.causes = "; ".join(f"{each.place}: {each.text}" for each in self.failures)
        super().__init__(f"cannot connect to PostgreSQL: {self.causes}")

    @property
    def was_reached(self) -> bool:
        """Whether a server answered, but its sessions cannot be used."""
        return any(each.was_reached for each in self.failures)

    @property
    def is_transient(self) -> bool:
        """Whether the failure may pass by itself, as that of a server that is starting does."""
        return all(each.is_transient for each in self.failures)


def root_cause(error: Exception) -> Exception:
    """Return the error's cause where the driver hides one, as it does when TLS is refused."""
    cause = error.__cause__ or error.__context__
    return cause if isinstance(cause, ssl.SSLError | ConnectionResetError) else error


def explain(error: Exception, seconds: float) -> str:
    """Say in one line what an error means, where the attempt was allowed `seconds`."""
    if isinstance(error, ssl.SSLError):
        return _of_tls(error)
    if isinstance(error, gaierror | UnicodeError):
        return _of_name(error)
    if isinstance(error, TimeoutError) and not error.errno:
        return f"no answer within {seconds:g} s"
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return "it is not of the kind that is wanted (target_session_attrs)"
    if isinstance(error, OSError):
        return _of_system(error)
    return _line(str(error))


def is_transient(error: Exception) -> bool:
    if isinstance(error, UrlRefused | ssl.SSLError):
        return False
    if isinstance(error, TimeoutError | gaierror | asyncpg.TargetServerAttributeNotMatched):
        return True
    if isinstance(error, OSError):
        return error.errno in _TRANSIENT_ERRORS if error.errno else NO_TLS not in str(error)
    state = getattr(error, "sqlstate", None) or ""
    if state in _TRANSIENT_STATES or state[:2] in _TRANSIENT_CLASSES:
        return not any(text in str(error) for text in _PERMANENT_TEXTS)
    return False


def _of_name(error: gaierror | UnicodeError) -> str:
    if isinstance(error, UnicodeError):  # Python's, as it writes the name in IDNA
        return "it is no name that a host can have"
    return f"the name cannot be looked up ({error.strerror})"


def _of_system(error: OSError) -> str:
    if NO_TLS in str(error):
        return "the server speaks no TLS, which sslmode asks for: switch its ssl on"
    return (
        os.strerror(error.errno)
        if error.errno
        else _line(str(error)) or "the server closed the connection"
    )


def _of_tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        wrong = _CERTIFICATE.get(error.verify_code)
        return f"its TLS certificate {wrong or _unknown(error.verify_message)}"
    reason = error.reason or str(error)
    if "ALERT" in reason:  # the server's (RFC 8446 section 6.2)
        alert = reason.partition("ALERT_")[2].replace("_", " ").lower()
        return f"the server's TLS refuses this client ({alert}): is sslcert right?"
    return f"TLS fails: {reason.replace('_', ' ').lower()}"


def _unknown(message: str) -> str:
    return f"is of an authority that is not trusted ({message.rstrip('.')})"


def is_of_another_authority(error: Exception) -> bool:
    return isinstance(error, ssl.SSLCertVerificationError) and (
        error.verify_code not in _CERTIFICATE
    )


def is_refused_setting(error: Exception) -> bool:
    """Whether a pooler refuses a setting that the session should start with."""
    return "unsupported startup parameter" in str(error)


def _line(text: str) -> str:
    """Return the text's first line, without control characters."""
    return "".join(filter(str.isprintable, text.partition("\n")[0]))
