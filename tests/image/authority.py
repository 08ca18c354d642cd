"""The certificates of one run: an authority that nobody else believes, and what it signs."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
LONG_FROM_NOW = datetime.datetime(2040, 1, 1, tzinfo=datetime.UTC)
"""A hub whose clock is years behind has to reach its broker all the same."""


@dataclass(frozen=True, slots=True, repr=False)
class Signed:
    """A key and its certificate, both in PEM. Not printable."""

    key: bytes
    certificate: bytes

    def put(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write both; where certificate and key are then."""
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key.pem"
        certificate.write_bytes(self.certificate)
        key.touch(mode=0o600)
        key.write_bytes(self.key)
        return certificate, key


class Authority:
    """Signs for one run and is forgotten."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("authority of this run")
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        self._certificate = (
            _certificate(self._name, self._name, self._key.public_key())
            .add_extension(constraints, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .add_extension(_usage(signs=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        """What others are given to believe it."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def sign(self, name: str, *addresses: str) -> Signed:
        """A key and a certificate for somebody, or for a server at these addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        built = _certificate(_name(name), self._name, key.public_key()).add_extension(
            x509.BasicConstraints(ca=False, path_length=None), critical=True
        )
        built = built.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
        ).add_extension(_usage(signs=False), critical=True)
        if addresses:
            names = [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
            built = built.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = built.sign(self._key, hashes.SHA256())
        return Signed(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
            certificate.public_bytes(serialization.Encoding.PEM),
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(LONG_AGO)
        .not_valid_after(LONG_FROM_NOW)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
