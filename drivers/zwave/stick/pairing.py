"""Which network this hub belongs to: the home id of the first stick it met, kept in the driver's storage.

A stick with another home id holds other locks under the same node numbers. Writing to it would put a guest's code onto a
stranger's door, so it is reported and nothing is sent; a person decides, by removing the file.
"""

import json
import logging
from pathlib import Path
from typing import Final

from drivers.zwave.server.private_directory import make_private_directory
from gateway.durable import put_file

log = logging.getLogger(__name__)

PAIRING_NAME: Final = "controller.json"
"""The file's name in the driver's storage folder."""


class Pairing:
    """The paired home id, read once and written once. Made with the folder; the file need not exist."""

    def __init__(self, storage_dir: Path) -> None:
        """Nothing is read before the first question."""
        self._path = storage_dir / PAIRING_NAME

    def stranger(self, home_id: int) -> str | None:
        """What is wrong with this network, with the remedy; None when it is ours.

        The first network ever asked about becomes ours. One without a home id (0) is neither ours nor a stranger.
        """
        if not home_id:
            return None
        try:
            paired = self._kept()
            if paired is None:
                self._keep(home_id)
        except OSError as error:
            return f"{self._path} cannot be read or written ({error.strerror}), so nobody knows whose network this is"
        except (ValueError, KeyError, TypeError):
            # Torn at the very first start, or edited: unreadable is not paired with nothing.
            return f"{self._path} cannot be understood: remove it to pair the hub with the stick that is in now"
        if paired in {None, home_id}:
            return None
        return (
            f"this stick holds the network {home_id:08X}, but the hub belongs to {paired:08X}, so nothing is sent: put the "
            f"right stick in, or remove {self._path} to make this network the hub's"
        )

    def _kept(self) -> int | None:
        if not self._path.exists():
            return None
        return int(json.loads(self._path.read_text(encoding="utf-8"))["home_id"], 16)

    def _keep(self, home_id: int) -> None:
        make_private_directory(self._path.parent)
        put_file(self._path, (json.dumps({"home_id": f"{home_id:08X}"}) + "\n").encode())
        log.info("stick.paired", extra={"home_id": f"{home_id:08X}"})
