"""What a stick says that fell into its bootloader: a menu in plain text instead of frames. A host types the number of a line."""

from collections.abc import Callable

MENU = b"\r\nGecko Bootloader v1.12.00\r\n1. upload gbl\r\n2. run\r\n3. ebl info\r\nBL > \0"
"""The text hosts know it by; the NUL at the end is what Silicon Labs' own sends (UG266, and the expectation of Z-Wave JS)."""

RUN = ord("2")
"""What a host types to start the firmware."""


class Bootloader:
    """One stay in the bootloader. Uploads are not simulated."""

    def __init__(self, run: Callable[[], None]) -> None:
        """Start at the menu; `run` starts the firmware."""
        self.run = run
        self.is_over = False

    def menu(self) -> bytes:
        """Give the text."""
        return MENU

    def take(self, typed: bytes) -> bytes:
        """Take what the host typed and give what is shown: the menu again, however much was typed at once."""
        self.is_over = RUN in typed
        return b"" if self.is_over or not typed else MENU
