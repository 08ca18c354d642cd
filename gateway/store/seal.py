"""Seals PINs for the database and derives the hub's keys from one secret file.

The pages are encrypted already; the field seal keeps PINs out of backups, copied rows and memory dumps of rows, and its
associated data ties a sealed PIN to its code and lock, so rows cannot be swapped (design: reliability). One 32-byte
secret is kept outside the database; three keys are derived from it with HKDF, so that none of them can be turned into
another.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.durable import put_file
from gateway.model.ids import CodeId, LockId
from gateway.model.pin import Pin, PinDigest

SECRET_BYTES = 32
NONCE_BYTES = 12
"""AES-GCM's nonce (NIST SP 800-38D 5.2.1.1)."""


class SealBroken(Exception):  # noqa: N818 - says what it means for the caller
    """A sealed PIN does not open: wrong secret, or the row was tampered with. Never holds the PIN."""


@dataclass(frozen=True, slots=True, repr=False)
class HubKeys:
    """The hub's three keys. Not printable."""

    page_key: bytes
    seal_key: bytes
    digest_key: bytes

    @classmethod
    def derive(cls, secret: bytes) -> "HubKeys":
        """Derive all keys from the hub's secret (HKDF-SHA-256, RFC 5869, one info text per key)."""

        def key(purpose: bytes) -> bytes:
            return HKDF(hashes.SHA256(), SECRET_BYTES, salt=None, info=b"keypad-gateway " + purpose).derive(secret)

        return cls(page_key=key(b"pages"), seal_key=key(b"pins"), digest_key=key(b"digests"))


class PinSeal:
    """Seals and opens PINs; also makes their digests, since both need the hub's keys."""

    def __init__(self, keys: HubKeys, token: Callable[[int], bytes]) -> None:
        self._cipher = AESGCM(keys.seal_key)
        self._digest_key = keys.digest_key
        self._token = token

    def digest(self, pin: Pin) -> PinDigest:
        """What stands for this PIN in comparisons (A11)."""
        return pin.digest(self._digest_key)

    def seal(self, pin: Pin, lock_id: LockId, code_id: CodeId) -> bytes:
        """Nonce, ciphertext and tag of the PIN, bound to its lock and code."""
        nonce = self._token(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, pin.reveal().encode(), _bound_to(lock_id, code_id))

    def open(self, sealed: bytes, lock_id: LockId, code_id: CodeId) -> Pin:
        """The PIN again. Raises `SealBroken` when it was sealed elsewhere, for another code, or was changed."""
        try:
            digits = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound_to(lock_id, code_id))
        except InvalidTag as error:
            msg = f"the sealed PIN of code {code_id} does not open: wrong hub secret or changed row"
            raise SealBroken(msg) from error
        return Pin(digits.decode())


def _bound_to(lock_id: LockId, code_id: CodeId) -> bytes:
    return f"{lock_id}\x00{code_id}".encode()


def load_secret(path: Path, token: Callable[[int], bytes]) -> bytes:
    """The hub's secret from its file, made on first start (mode 0600).

    Raises `ValueError` with the remedy when the file can be read by others or has the wrong size.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        put_file(path, token(SECRET_BYTES))  # all that is sealed hangs on it: on disk before it is used
    if _is_open(path.stat()):
        msg = f"{path} can be read by others: chmod 600 {path}"
        raise ValueError(msg)
    secret = path.read_bytes()
    if len(secret) != SECRET_BYTES:
        msg = f"{path} holds {len(secret)} bytes instead of {SECRET_BYTES}: restore it from the backup of this hub"
        raise ValueError(msg)
    return secret


def _is_open(file: os.stat_result) -> bool:
    # The group's bits count on our own files only: a unit's credentials are root's, and their access list for us shows in these bits
    # (acl(5), systemd.exec(5)).
    return bool(file.st_mode & (0o077 if file.st_uid == os.geteuid() else 0o007))
