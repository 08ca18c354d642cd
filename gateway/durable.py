"""Files that are whole or not there at all, whenever the power goes."""

import os
from pathlib import Path


def put_file(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Put `content` at `path`. Its directory must be there. Raises OSError.

    What a cut leaves half done has a name of its own beside it and is overwritten by the next try.
    """
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), mode)  # the umask may have taken bits away
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
