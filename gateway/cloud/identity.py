"""The hub's own key for mutual TLS, made on the device, and the request that a certificate authority signs (C6)."""

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """A fresh key and the request for its certificate, both PEM. The key is not printable."""

    request: bytes
    key: bytes


def make_identity(hub_id: str) -> Identity:
    """Make a P-256 key (NIST SP 800-186) and a PKCS #10 request (RFC 2986) whose common name is the hub's id."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hub_id)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    form, nobody = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return Identity(request.public_bytes(pem), key.private_bytes(pem, form, nobody))
