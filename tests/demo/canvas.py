"""A sheet to draw on: shapes and words as SVG, written by hand, the same bytes for the same drawing."""

from dataclasses import dataclass, field
from html import escape

FONT = "Inter, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
WIDTH_PER_SIZE = 0.56
"""Mean width of a letter as a part of the font size; a little above what common sans-serif fonts have."""


def width_of(text: str, size: float) -> float:
    """How wide a text will be, about."""
    return len(text) * size * WIDTH_PER_SIZE


@dataclass(slots=True)
class Canvas:
    """Collects elements in drawing order."""

    width: int
    height: int
    elements: list[str] = field(default_factory=list)

    def box(self, x: float, y: float, width: float, height: float, fill: str, **style: str | float) -> None:
        """A rectangle."""
        place = f'x="{_n(x)}" y="{_n(y)}" width="{_n(max(width, 0))}" height="{_n(height)}"'
        self.elements.append(f'<rect {place} fill="{fill}"{_style(style)}/>')

    def line(self, x1: float, y1: float, x2: float, y2: float, stroke: str, **style: str | float) -> None:
        """A straight line."""
        place = f'x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}"'
        self.elements.append(f'<line {place} stroke="{stroke}"{_style(style)}/>')

    def dot(self, x: float, y: float, radius: float, fill: str, **style: str | float) -> None:
        """A circle."""
        self.elements.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" fill="{fill}"{_style(style)}/>')

    def path(self, data: str, **style: str | float) -> None:
        """A path; `data` in the SVG's own words."""
        self.elements.append(f'<path d="{data}"{_style(style)}/>')

    def text(self, x: float, y: float, words: str, size: float, fill: str, **style: str | float) -> None:
        """Words; `y` is the base line."""
        place = f'x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" fill="{fill}"'
        self.elements.append(f"<text {place}{_style(style)}>{escape(words)}</text>")

    def note(self, x: float, y: float, words: str, size: float, fill: str, **style: str | float) -> None:
        """Words that may cross lines: they stand on a light rim of their own."""
        rim: dict[str, str | float] = {"stroke_width": 4, "stroke_opacity": 0.8, "stroke_linejoin": "round"}
        self.text(x, y, words, size, "#ffffff", stroke="#ffffff", **style, **rim)
        self.text(x, y, words, size, fill, **style)

    def svg(self, title: str, description: str, definitions: str = "") -> str:
        """The whole sheet."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" role="img" font-family="{FONT}">'
        )
        told = f"<title>{escape(title)}</title>\n<desc>{escape(description)}</desc>\n<defs>{definitions}</defs>"
        return "\n".join([head, told, *self.elements, "</svg>"]) + "\n"


def _style(style: dict[str, str | float]) -> str:
    return "".join(
        f' {name.replace("_", "-")}="{value if isinstance(value, str) else _n(value)}"' for name, value in style.items()
    )


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
