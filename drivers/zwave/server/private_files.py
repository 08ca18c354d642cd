"""Files that hold secrets: directories for the owner alone, and writes that are whole or not there at all."""

import os
from pathlib import Path
from typing import Final

DIRECTORY_MODE: Final = 0o700
"""Storage is for the owner alone. Source: rule N1, the driver's value files hold PINs in clear text."""

FILE_MODE: Final = 0o600
"""Keys and configuration are for the owner alone. Source: rule N1."""


def make_private_directory(path: Path) -> None:
    """Make a directory and its missing parents with mode 0700, and close one that was left open to others.

    Raises OSError when it cannot be made or belongs to somebody else.
    """
    for missing in reversed([path, *path.parents]):
        if not missing.exists():
            missing.mkdir(mode=DIRECTORY_MODE)
    if path.stat().st_mode & 0o777 != DIRECTORY_MODE:
        path.chmod(DIRECTORY_MODE)


def write_private_file(path: Path, text: str) -> None:
    """Put `text` at `path` with mode 0600 so that a power cut leaves the old file or the new one, never half of one.

    The parent directory must exist. Raises OSError.
    """
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), FILE_MODE)  # the umask may have taken bits away
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
