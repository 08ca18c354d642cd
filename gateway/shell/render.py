"""Answers on a terminal: short lines, tables that fit 80 columns, colour only where somebody looks.

Where the output is no terminal nothing is wrapped, cut or coloured, so that `grep` finds whole lines. Characters that
would steer a terminal are taken out: names come from the cloud.
"""

import io
import textwrap
from typing import Literal

from gateway.shell.session import Answer, Catalogue, Cell, Failure, Table, Tone, Verb

WIDTH_MIN = 40
"""Narrower terminals are drawn at this width; the rest is the terminal's business."""

WIDTH_MAX = 120
"""Wider lines are hard to read."""

WIDTH_OF_PIPE = 10_000
"""Wide enough that no table wraps where no terminal is."""

_COLOURS = {Tone.HEAD: "1", Tone.GOOD: "32", Tone.WARN: "33", Tone.BAD: "1;31", Tone.DIM: "2"}
"""SGR parameters (ECMA-48 8.3.117) that every terminal since the VT220 knows or ignores."""

_STYLES = {Tone.HEAD: "bold", Tone.GOOD: "green", Tone.WARN: "yellow", Tone.BAD: "bold red", Tone.DIM: "dim"}


def draw(answer: Answer, *, width: int | None, is_coloured: bool) -> str:
    """One answer as text that ends with a line feed. `width` is the terminal's, None when there is none."""
    parts = [_line(cell, width, is_coloured=is_coloured) for cell in answer.lines]
    if answer.table is not None:
        parts += [""] if parts else []
        parts.append(_table(answer.table, width, is_coloured=is_coloured))
        parts += [""] if answer.notes else []
    parts += [_line(cell, width, is_coloured=is_coloured) for cell in answer.notes]
    return "\n".join(parts) + "\n"


def draw_failure(failure: Failure, *, width: int | None, is_coloured: bool) -> str:
    """What happened, where, what to do."""
    where = "" if failure.field is None else f"{failure.field}: "
    lines = [Cell(f"{where}{failure.message}", Tone.BAD)]
    if failure.remedy:
        lines.append(Cell(f"  → {failure.remedy}"))
    return "".join(_line(cell, width, is_coloured=is_coloured) + "\n" for cell in lines)


def draw_help(catalogue: Catalogue) -> str:
    """The page of `gatewayctl --help`."""
    widest = max(len(name) for name in catalogue)
    verbs = "\n".join(f"  {verb.name:<{widest}}  {verb.summary}" for verb in catalogue.values())
    return (
        "usage: gatewayctl [--socket PATH] [--json] VERB …\n\n"
        "Looks at a keypad gateway and gives it orders, through its socket.\n\n"
        f"{verbs}\n\n"
        "gatewayctl VERB --help explains a verb. Without a verb it asks for one after the\n"
        "other, with completion.\n\n"
        "--json         one JSON document instead of a screen\n"
        "--socket PATH  else $KEYPAD_SOCKET, else /run/gateway/maint.sock,\n"
        "               else ./build/run/maint.sock\n\n"
        "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 no daemon.\n"
    )


def draw_verb_help(verb: Verb) -> str:
    """The page of `gatewayctl VERB --help`."""
    usage = textwrap.wrap(f"usage: gatewayctl {verb.usage}", 80, subsequent_indent=" " * 9, break_on_hyphens=False)
    lines = [*usage, "", f"{verb.summary[0].upper()}{verb.summary[1:]}."]
    if verb.is_mutating:
        lines.append("Leaves a line in the journal that names your user number.")
    if verb.arguments:
        widest = max(len(argument.written) for argument in verb.arguments)
        lines.append("")
        indent = " " * (widest + 4)
        for argument in verb.arguments:
            text = f"  {argument.written:<{widest}}  {argument.meaning}"
            lines += textwrap.wrap(text, 80, subsequent_indent=indent)
    lines += ["", "For example:", *(f"  gatewayctl {example}" for example in verb.examples)]
    return "\n".join(lines) + "\n"


def _line(cell: Cell, width: int | None, *, is_coloured: bool) -> str:
    text = clean(cell.text)
    if width is not None:
        indent = " " * (len(text) - len(text.lstrip()) + 2)
        columns = min(max(width, WIDTH_MIN), WIDTH_MAX)
        text = "\n".join(textwrap.wrap(text, columns, subsequent_indent=indent, break_on_hyphens=False))
    colour = _COLOURS.get(cell.tone)
    return f"\x1b[{colour}m{text}\x1b[0m" if is_coloured and colour else text


def _table(table: Table, width: int | None, *, is_coloured: bool) -> str:
    import rich.console  # noqa: PLC0415 - costs 110 ms (our measurement) and only tables need it
    import rich.table  # noqa: PLC0415 - as above
    import rich.text  # noqa: PLC0415 - as above

    drawn = rich.table.Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in table.columns:
        title = rich.text.Text(column.title)
        justify: Literal["right", "left"] = "right" if column.is_right else "left"
        drawn.add_column(title, no_wrap=not column.wraps, justify=justify, overflow="fold")
    for row in table.rows:
        drawn.add_row(*(rich.text.Text(clean(cell.text), _STYLES.get(cell.tone, "")) for cell in row))
    paper = io.StringIO()
    console = rich.console.Console(
        file=paper,
        width=WIDTH_OF_PIPE if width is None else min(max(width, WIDTH_MIN), WIDTH_MAX),
        force_terminal=is_coloured,
        color_system="standard" if is_coloured else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    console.print(drawn)
    return "\n".join(line.rstrip() for line in paper.getvalue().rstrip("\n").split("\n"))


def clean(text: str) -> str:
    """A text without characters that steer a terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)
