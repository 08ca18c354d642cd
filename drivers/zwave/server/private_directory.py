"""Directories for files that hold secrets."""

from pathlib import Path
from typing import Final

DIRECTORY_MODE: Final = 0o700
"""Storage is for the owner alone. Source: rule N1, the driver's value files hold PINs in clear text."""


def make_private_directory(path: Path) -> None:
    """Make a directory and its missing parents with mode 0700, and close one that was left open to others.

    Raises OSError when it cannot be made or belongs to somebody else.
    """
    for missing in reversed([path, *path.parents]):
        if not missing.exists():
            missing.mkdir(mode=DIRECTORY_MODE)
    if path.stat().st_mode & 0o777 != DIRECTORY_MODE:
        path.chmod(DIRECTORY_MODE)
