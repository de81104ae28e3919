"""Make TLS contexts as libpq's parameters ask (PostgreSQL's manual, section 34.19)."""

import ssl
from collections.abc import Iterator, Mapping
from os import stat_result
from pathlib import Path
from stat import S_IRWXG, S_IRWXO, S_IWGRP, S_IXGRP

from adapters.sql.postgresql.connection_failures import is_of_another_authority
from adapters.sql.postgresql.parameters import UrlRefused, home_file, is_there
from adapters.sql.postgresql.target import Host

_ALPN = "postgresql"
"""The protocol's name in ALPN (section 54.2.11)."""

SYSTEM = "system"
"""The sslrootcert that means the authorities that the machine trusts."""


_DEFAULT_FILES = {
    "sslrootcert": "root.crt",
    "sslcrl": "root.crl",
    "sslcert": "postgresql.crt",
    "sslkey": "postgresql.key",
}
"""The files in ~/.postgresql that are used if no parameter names another."""


class TlsContext(ssl.SSLContext):
    """A context for one server, whose certificate is checked by its name at each address."""

    server: str
    made: ssl.SSLObject | None = None
    """The TLS object of the last connection."""

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
    """The cache holds each server's context, and makes it again once one of its files has changed:
    reading a machine's authorities takes some 50 ms."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._given = parameters
        self._made: dict[Host, tuple[object, TlsContext]] = {}

    def for_host(self, host: Host) -> TlsContext:
        """Return the host's context. Raises UrlRefused for a file that cannot be used."""
        now = [_version(file) for file in _files(self._given)]
        version, made = self._made.get(host, (None, None))
        if made is None or version != now:
            made = _context(self._given, host)
            self._made[host] = (now, made)
        return made


def mode(parameters: Mapping[str, str]) -> str:
    """Return the sslmode in force.

    `channel_binding=require` asks for proof that nobody is in between. The driver has no channel
    binding, so the server's certificate and name are verified in its place.
    """
    asked = parameters.get("sslmode")
    if _is_bound(parameters):
        if asked in ("disable", "allow"):
            raise UrlRefused(f"channel_binding=require does not go with sslmode={asked}")
        return "verify-full"
    if parameters.get("sslrootcert") == SYSTEM:
        if asked not in (None, "verify-full"):
            raise UrlRefused("sslrootcert=system goes with sslmode=verify-full alone")
        return "verify-full"
    return asked or "prefer"


def is_direct(parameters: Mapping[str, str]) -> bool:
    """Whether TLS begins at once, without asking the server first."""
    direct = parameters.get("sslnegotiation") == "direct"
    if direct and mode(parameters) in ("disable", "allow", "prefer"):
        raise UrlRefused("sslnegotiation=direct needs sslmode=require, verify-ca or verify-full")
    return direct


def _context(parameters: Mapping[str, str], host: Host) -> TlsContext:
    made = TlsContext(ssl.PROTOCOL_TLS_CLIENT)
    made.server = host.name
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.set_alpn_protocols([_ALPN])
    if mode(parameters) not in ("disable", "allow", "prefer"):
        _verify_server(made, parameters)
    if parameters.get("sslcertmode") != "disable":
        _load_client_certificate(made, parameters)
    lowest = parameters.get("ssl_min_protocol_version", "TLSv1.2")
    made.minimum_version = ssl.TLSVersion[lowest.replace(".", "_")]
    if highest := parameters.get("ssl_max_protocol_version"):
        made.maximum_version = ssl.TLSVersion[highest.replace(".", "_")]
    return made


def explain(parameters: Mapping[str, str], error: Exception) -> str:
    """Say which parameter explains the error, or return nothing if none does."""
    if is_of_another_authority(error):
        roots = _roots(parameters)
        trusted = "those of this machine" if roots == SYSTEM else f"those in {roots}"
        demand = (
            "channel_binding=require" if _is_bound(parameters) else f"sslmode={mode(parameters)}"
        )
        return f"{demand} trusts {trusted}; name the server's in sslrootcert"
    if isinstance(error, ConnectionResetError) and is_direct(parameters):
        return "sslnegotiation=direct needs PostgreSQL 17 or later"
    if isinstance(error, ConnectionResetError) and _file_named(parameters, "sslcert"):
        return "it may not take the certificate of sslcert"  # what it said of it is lost at times
    return ""


def _is_bound(parameters: Mapping[str, str]) -> bool:
    return parameters.get("channel_binding") == "require"


def _roots(parameters: Mapping[str, str]) -> str | None:
    """Return the file of the trusted authorities, or SYSTEM."""
    found = _file_named(parameters, "sslrootcert")
    return found or (SYSTEM if _is_bound(parameters) else None)


def _verify_server(made: TlsContext, parameters: Mapping[str, str]) -> None:
    """Have the context verify as much of the server as the sslmode says.

    With authorities to check against, `require` means `verify-ca`, as in libpq.
    """
    wanted, roots = mode(parameters), _roots(parameters)
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
    _check_revocations(made, parameters)


def _check_revocations(made: TlsContext, parameters: Mapping[str, str]) -> None:
    file, folder = _file_named(parameters, "sslcrl"), parameters.get("sslcrldir")
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


def _load_client_certificate(made: TlsContext, parameters: Mapping[str, str]) -> None:
    """Load the client's certificate and key, if there are any."""
    certificate, key = _file_named(parameters, "sslcert"), _file_named(parameters, "sslkey")
    if not certificate:
        return
    for name, file in (("sslcert", certificate), ("sslkey", key)):
        if file:
            _check_file(name, Path(file))
    try:
        made.load_cert_chain(certificate, key, password=lambda: parameters.get("sslpassword", ""))
    except ssl.SSLError as error:
        raise UrlRefused(_pair_error(error, certificate, key)) from error


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
    """Whether others may read the key. As in libpq, the group may if root owns it."""
    others = S_IRWXO | (S_IRWXG if found.st_uid else S_IWGRP | S_IXGRP)
    return bool(found.st_mode & others)


def _pair_error(error: ssl.SSLError, certificate: str, key: str | None) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"sslkey: {key or certificate} is not the key of sslcert: {certificate}"
    return (
        f"sslcert: {certificate} with sslkey: {key or certificate} cannot be used: "
        "no PEM, no key in it, or another sslpassword"
    )


def _file_named(parameters: Mapping[str, str], name: str) -> str | None:
    """Return the file that the parameter names or else, if it exists, the default one."""
    file = home_file(".postgresql", _DEFAULT_FILES[name])
    return parameters.get(name) or (str(file) if file and is_there(file) else None)


def _files(parameters: Mapping[str, str]) -> Iterator[str | None]:
    yield from (_file_named(parameters, name) for name in _DEFAULT_FILES)
    yield parameters.get("sslcrldir")
    if _roots(parameters) == SYSTEM:
        found = ssl.get_default_verify_paths()
        yield from (found.cafile, found.capath)


def _version(file: str | None) -> object:
    try:
        found = Path(file).stat() if file else None
    except OSError:
        return None
    return found and (file, found.st_ino, found.st_mtime_ns, found.st_size)
