import pytest

from gateway.shell.render import clean, draw, draw_failure
from gateway.shell.session import Answer, Cell, Column, Failure, FailureKind, Table, Tone
from tests.shell.house import House

LOOKS = (
    "status",
    "locks",
    "codes",
    "slots front-door",
    "plan back-door",
    "why back-gone",
    "timeline owner-1",
    "verify",
)


@pytest.mark.parametrize("look", LOOKS)
async def test_every_screen_fits_80_columns(house: House, look: str) -> None:
    for is_coloured in (False, True):
        drawn = draw(await house.run(*look.split()), width=80, is_coloured=False)
        assert max(map(len, drawn.splitlines())) <= 80
        assert drawn.endswith("\n")
        assert ("\x1b" in draw(await house.run(*look.split()), width=80, is_coloured=is_coloured)) <= is_coloured


async def test_status_fits_one_screen_of_24_lines_with_everything_in_trouble(house: House) -> None:
    assert len(draw(await house.run("status"), width=80, is_coloured=False).splitlines()) <= 23


async def test_where_no_terminal_is_nothing_is_wrapped(house: House) -> None:
    drawn = draw(await house.run("locks"), width=None, is_coloured=False)
    assert len(drawn.splitlines()) == 4
    assert "15:30 (in 2 h 30 min): “Ms Adams” goes onto the lock" in drawn


def test_tones_become_colours_only_where_somebody_looks() -> None:
    table = Table((Column("A"),), ((Cell("x", Tone.GOOD),),))
    answer = Answer((Cell("bad", Tone.BAD), Cell("plain")), table)
    assert draw(answer, width=80, is_coloured=False) == "bad\nplain\n\nA\nx\n"
    coloured = draw(answer, width=80, is_coloured=True)
    assert "\x1b[1;31mbad\x1b[0m\nplain\n" in coloured
    assert "\x1b[32mx" in coloured


def test_names_cannot_steer_the_terminal() -> None:
    nasty = "Ms \x1b]0;owned\x07\x1b[2JAdams\r\n"
    table = Table((Column("NAME"),), ((Cell(nasty),),))
    drawn = draw(Answer((Cell(nasty),), table, (Cell(nasty),)), width=80, is_coloured=True)
    assert not set(drawn) & {"\x07", "\r"}
    assert "\x1b]" not in drawn
    assert "\x1b[2J" not in drawn
    assert clean(nasty).startswith("Ms �]0;owned��[2JAdams")
    assert "[bold]" in draw(Answer(table=Table((Column("A"),), ((Cell("[bold]x[/]"),),))), width=80, is_coloured=False)


def test_a_failure_says_where_what_and_what_to_do() -> None:
    failure = Failure(FailureKind.REFUSED, "must lie in the future", "give a later --until", "--until")
    drawn = draw_failure(failure, width=80, is_coloured=False)
    assert drawn == "--until: must lie in the future\n  → give a later --until\n"
    assert draw_failure(Failure(FailureKind.FAILED, "no"), width=None, is_coloured=False) == "no\n"
