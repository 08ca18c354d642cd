"""The last chapter: whether the figures of the run are within what was promised. Before it, nothing fails for being slow."""

from tests.image.figures import Figures


def test_every_figure_is_within_its_bound(figures: Figures) -> None:
    assert figures.found, "no chapter was played before this one"
    assert figures.missed() == []
