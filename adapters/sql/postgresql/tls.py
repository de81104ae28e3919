"""TLS as libpq's parameters ask for it (PostgreSQL's manual, section 34.19)."""

import ssl
from collections.abc import Iterator, Mapping
from os import stat_result
from pathlib import Path
from stat import S_IRWXG, S_IRWXO, S_IWGRP, S_IXGRP

from adapters.sql.postgresql.failures import is_of_another_authority
from adapters.sql.postgresql.parameters import UrlRefused, home_file, is_there
from adapters.sql.postgresql.target import Host

_ALPN = "postgresql"
"""What a server is told that TLS was begun for, at once or after a question (section 54.2.11)."""

SYSTEM = "system"
"""A sslrootcert that stands for the authorities that the machine trusts."""


_USUAL = {
    "sslrootcert": "root.crt",
    "sslcrl": "root.crl",
    "sslcert": "postgresql.crt",
    "sslkey": "postgresql.key",
}
"""Files in ~/.postgresql, which are heeded though nothing names them."""


class TlsContext(ssl.SSLContext):
    """A context for one server, which is known by its name at whichever of its addresses it is."""

    server: str
    made: ssl.SSLObject | None = None
    """Of the last connection."""

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 - as ssl has it
        server_hostname: str | bytes | None = None,  # noqa: ARG002 - the address that was asked
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        self.made = super().wrap_bio(incoming, outgoing, server_side, self.server, session)
        return self.made


class Contexts:
    """The context of each server, made anew once a file that it was made of has changed: to read
    the authorities of a machine takes some 50 ms."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self._made: dict[Host, tuple[object, TlsContext]] = {}

    def for_host(self, host: Host) -> TlsContext:
        """Raises UrlRefused for a file that cannot be used."""
        now = [_version(file) for file in _files(self._given)]
        version, made = self._made.get(host, (None, None))
        if made is None or version != now:
            made = _context(self._given, host)
            self._made[host] = (now, made)
        return made


def mode(given: Mapping[str, str]) -> str:
    """The sslmode that holds.

    `channel_binding=require` asks that nobody is in between, which the driver cannot find out by
    the password's exchange: so the server's certificate and name are verified in its place.
    """
    asked = given.get("sslmode")
    if _is_bound(given):
        if asked in ("disable", "allow"):
            raise UrlRefused(f"channel_binding=require does not go with sslmode={asked}")
        return "verify-full"
    if given.get("sslrootcert") == SYSTEM:
        if asked not in (None, "verify-full"):
            raise UrlRefused("sslrootcert=system goes with sslmode=verify-full alone")
        return "verify-full"
    return asked or "prefer"


def is_direct(given: Mapping[str, str]) -> bool:
    """Whether TLS begins without a question."""
    direct = given.get("sslnegotiation") == "direct"
    if direct and mode(given) in ("disable", "allow", "prefer"):
        raise UrlRefused("sslnegotiation=direct needs sslmode=require, verify-ca or verify-full")
    return direct


def _context(given: Mapping[str, str], host: Host) -> TlsContext:
    made = TlsContext(ssl.PROTOCOL_TLS_CLIENT)
    made.server = host.name
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.set_alpn_protocols([_ALPN])
    if mode(given) not in ("disable", "allow", "prefer"):
        _trust(made, given)
    if given.get("sslcertmode") != "disable":
        _identify(made, given)
    lowest = given.get("ssl_min_protocol_version", "TLSv1.2")
    made.minimum_version = ssl.TLSVersion[lowest.replace(".", "_")]
    if highest := given.get("ssl_max_protocol_version"):
        made.maximum_version = ssl.TLSVersion[highest.replace(".", "_")]
    return made


def why(given: Mapping[str, str], error: Exception) -> str:
    """What of the parameters explains the error, if anything does."""
    if is_of_another_authority(error):
        roots = _roots(given)
        trusted = "those of this machine" if roots == SYSTEM else f"those in {roots}"
        demand = "channel_binding=require" if _is_bound(given) else f"sslmode={mode(given)}"
        return f"{demand} trusts {trusted}; name the server's in sslrootcert"
    if isinstance(error, ConnectionResetError) and is_direct(given):
        return "sslnegotiation=direct needs PostgreSQL 17 or later"
    if isinstance(error, ConnectionResetError) and _usual(given, "sslcert"):
        return "it may not take the certificate of sslcert"  # what it said of it is lost at times
    return ""


def _is_bound(given: Mapping[str, str]) -> bool:
    return given.get("channel_binding") == "require"


def _roots(given: Mapping[str, str]) -> str | None:
    """The file of the authorities that are trusted, or SYSTEM."""
    found = _usual(given, "sslrootcert")
    return found or (SYSTEM if _is_bound(given) else None)


def _trust(made: TlsContext, given: Mapping[str, str]) -> None:
    """As much of the server as the mode says. With the authorities at hand `require` is as
    `verify-ca`."""
    wanted, roots = mode(given), _roots(given)
    if roots == SYSTEM:
        made.load_default_certs(ssl.Purpose.SERVER_AUTH)
    elif roots:
        _load(made, "sslrootcert", roots)
    elif wanted == "require":
        return
    else:
        raise UrlRefused(
            f"sslmode={wanted} needs the authorities to trust: sslrootcert=FILE, or "
            "sslrootcert=system for those of this machine"
        )
    made.verify_mode = ssl.CERT_REQUIRED
    made.check_hostname = wanted == "verify-full"
    _heed_revocations(made, given)


def _heed_revocations(made: TlsContext, given: Mapping[str, str]) -> None:
    file, folder = _usual(given, "sslcrl"), given.get("sslcrldir")
    if file:
        _load(made, "sslcrl", file)
    if folder:
        made.load_verify_locations(capath=folder)
    if file or folder:
        made.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN


def _load(made: TlsContext, name: str, file: str) -> None:
    try:
        made.load_verify_locations(cafile=file)
    except ssl.SSLError as error:
        raise UrlRefused(f"{name}: {file} has no certificate in PEM") from error
    except OSError as error:
        raise UrlRefused(f"{name}: {file} cannot be read: {error.strerror}") from error


def _identify(made: TlsContext, given: Mapping[str, str]) -> None:
    """By a client's certificate, where there is one."""
    certificate, key = _usual(given, "sslcert"), _usual(given, "sslkey")
    if not certificate:
        return
    for name, file in (("sslcert", certificate), ("sslkey", key)):
        if file:
            _check_file(name, Path(file))
    try:
        made.load_cert_chain(certificate, key, password=lambda: given.get("sslpassword", ""))
    except ssl.SSLError as error:
        raise UrlRefused(_of_pair(error, certificate, key)) from error


def _check_file(name: str, file: Path) -> None:
    try:
        with file.open("rb"):
            found = file.stat()
    except OSError as error:
        raise UrlRefused(f"{name}: {file} cannot be read: {error.strerror}") from error
    if name == "sslkey" and _is_shared(found):
        raise UrlRefused(
            f"sslkey: {file} can be read by others: chmod 600, or 640 where it is root's"
        )


def _is_shared(found: stat_result) -> bool:
    """As libpq judges it: root's may be read by its group."""
    others = S_IRWXO | (S_IRWXG if found.st_uid else S_IWGRP | S_IXGRP)
    return bool(found.st_mode & others)


def _of_pair(error: ssl.SSLError, certificate: str, key: str | None) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"sslkey: {key or certificate} is not the key of sslcert: {certificate}"
    return (
        f"sslcert: {certificate} with sslkey: {key or certificate} cannot be used: "
        "no PEM, no key in it, or another sslpassword"
    )


def _usual(given: Mapping[str, str], name: str) -> str | None:
    """The file that is named or else, where there is one, that in the home."""
    file = home_file(".postgresql", _USUAL[name])
    return given.get(name) or (str(file) if file and is_there(file) else None)


def _files(given: Mapping[str, str]) -> Iterator[str | None]:
    yield from (_usual(given, name) for name in _USUAL)
    yield given.get("sslcrldir")
    if _roots(given) == SYSTEM:
        found = ssl.get_default_verify_paths()
        yield from (found.cafile, found.capath)


def _version(file: str | None) -> object:
    try:
        found = Path(file).stat() if file else None
    except OSError:
        return None
    return found and (file, found.st_ino, found.st_mtime_ns, found.st_size)
