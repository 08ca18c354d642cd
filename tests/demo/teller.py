"""Tells the stay to a person, a line for everything that happens, with the seconds since the stay began."""

import asyncio
import sys
from dataclasses import dataclass, field

COLOURS = {
    "cloud": "\033[34m",
    "hub": "\033[35m",
    "radio": "\033[2m",
    "lock": "\033[36m",
    "guest": "\033[33m",
    "owner": "\033[32m",
    "gardener": "\033[32m",
    "demo": "\033[1m",
}
PLAIN = "\033[0m"


@dataclass(slots=True)
class Teller:
    """Prints and remembers. Colours only where a person looks."""

    is_colourful: bool = field(default_factory=sys.stdout.isatty)
    lines: list[str] = field(default_factory=list)
    began_s: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    def begin(self) -> None:
        """Count seconds from now."""
        self.began_s = asyncio.get_running_loop().time()

    def chapter(self, title: str) -> None:
        """A heading."""
        self.say("")
        self.say(f"{'':>7}  {self._dye('demo', title)}", plain=f"{'':>7}  {title}")

    def tell(self, actor: str, sentence: str) -> None:
        """Who does what."""
        elapsed_s = asyncio.get_running_loop().time() - self.began_s
        head = f"{elapsed_s:6.1f}s"
        plain = f"{head}  {actor:<9} {sentence}"
        self.say(f"{head}  {self._dye(actor, f'{actor:<9}')} {self._faint(actor, sentence)}", plain=plain)

    def say(self, line: str, *, plain: str | None = None) -> None:
        """A line as it is."""
        self.lines.append(line if plain is None else plain)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def _dye(self, actor: str, text: str) -> str:
        return f"{COLOURS.get(actor, '')}{text}{PLAIN}" if self.is_colourful else text

    def _faint(self, actor: str, text: str) -> str:
        return self._dye(actor, text) if actor == "radio" else text
