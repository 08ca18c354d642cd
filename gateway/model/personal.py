"""Text about a person, marked so that the journal can keep it apart and erase it (A19).

The journal chains a digest in its place. The digest is salted: guests' names are few enough to be guessed, and once text and
salt are erased nothing can be found out from the digest, not even by whoever holds the hub's keys.
"""

import hashlib
from typing import Self

SALT_BYTES = 16
"""128 bits: no table of all names can be made for it."""

DIGEST_HEX = 32
"""128 bits in hex: enough that a changed name is noticed."""


class Personal(str):
    """A name, with the salt it is committed under. Anywhere but in the journal it is a plain text."""

    __slots__ = ("salt",)

    salt: bytes

    def __new__(cls, text: str, salt: bytes) -> Self:
        """Mark `text`; `salt` is `SALT_BYTES` of chance, used for nothing else."""
        marked = super().__new__(cls, text)
        marked.salt = salt
        return marked


def commitment(text: str, salt: bytes) -> str:
    """What stands for the text in the chain."""
    return hashlib.sha256(salt + text.encode()).hexdigest()[:DIGEST_HEX]
