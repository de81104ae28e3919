"""Certificates, and authorities that sign them, made when they are needed."""

import ssl
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

NO_AUTHORITY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients that speak plain HTTP. Each would else read the system's authorities, for 20 ms."""

DAY = timedelta(days=1)

_USES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
    *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)
_SIGNS = x509.KeyUsage(**{use: use in ("key_cert_sign", "crl_sign") for use in _USES})


class Authority:
    """One that signs certificates of a day; its own is `pem`."""

    def __init__(self, name: str) -> None:
        self._key = generate_private_key(SECP256R1())
        self._name = _named(name)
        builder = self._builder(self._name, self._key.public_key())
        for what in (x509.BasicConstraints(ca=True, path_length=0), _SIGNS):
            builder = builder.add_extension(what, critical=True)
        self.pem = builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM)

    def issue(
        self,
        name: str,
        alternatives: Iterable[str] = (),
        *,
        locked: str = "",
        age: timedelta = timedelta(),
    ) -> tuple[bytes, bytes]:
        """A certificate and its key in PEM, for a host's names and addresses or for a client. The
        key is encrypted where there is a text that it is `locked` by."""
        key = generate_private_key(SECP256R1())
        builder = self._builder(_named(name), key.public_key(), age)
        if found := list(map(_alternative, alternatives)):
            builder = builder.add_extension(x509.SubjectAlternativeName(found), critical=False)
        signed = builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM)
        kept = BestAvailableEncryption(locked.encode()) if locked else NoEncryption()
        return signed, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, kept)

    def revoking(self, certificate: bytes) -> bytes:
        """A list of revocations with the one in it."""
        now = datetime.now(UTC)
        serial = x509.load_pem_x509_certificate(certificate).serial_number
        entry = x509.RevokedCertificateBuilder(serial, now).build()
        listed = (
            x509.CertificateRevocationListBuilder(self._name, now, now + DAY)
            .add_revoked_certificate(entry)
            .sign(self._key, SHA256())
        )
        return listed.public_bytes(Encoding.PEM)

    def _builder(
        self, subject: x509.Name, key: EllipticCurvePublicKey, age: timedelta = timedelta()
    ) -> x509.CertificateBuilder:
        """With what strict clients look for (RFC 5280 section 4.2.1)."""
        now = datetime.now(UTC) - age
        own = x509.SubjectKeyIdentifier.from_public_key(key)
        signers = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder(
                self._name, subject, key, x509.random_serial_number(), now - DAY, now + DAY
            )
            .add_extension(own, critical=False)
            .add_extension(signers, critical=False)
        )


def certified(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """What a server at 127.0.0.1 needs, and the file by which a client trusts it."""
    authority = Authority("loopback")
    signed, key = authority.issue("loopback", ["127.0.0.1"])
    shown, whole = folder / "certificate.pem", folder / "server.pem"
    shown.write_bytes(authority.pem)
    whole.write_bytes(key + signed)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(whole)
    return context, shown


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
