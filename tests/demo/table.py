"""The end of the demo as text: every code's timeline with its sources, and every check with its verdict."""

from collections.abc import Iterator, Sequence

from tests.demo.record import Code, Record
from tests.demo.verdict import Check

GONE = "–"


def timelines(record: Record) -> Iterator[str]:
    """A line for every code: seconds since the first order, and where each number comes from."""
    head = ("CODE", "ordered", "lead begins", "PIN live", "opened", "ends", "gone")
    source = ("seconds since the story began", "cloud", "order", "lock memory", "keypad", "order", "lock memory")
    yield ""
    yield from _aligned([head, source, *(_row(record, code) for code in record.codes)])


def _row(record: Record, code: Code) -> Sequence[str]:
    def since(at: int | None) -> str:
        return GONE if at is None else f"{(at - record.began_at) / 1000:.1f}"

    ordered = next((order.at for order in record.orders if order.code == code), None)
    deleted = next(
        (order.at for order in record.orders if order.code == code and order.kind == "access_code.delete"), None
    )
    stays = record.presences(code.door, code.pin)
    opened = [press.at for press in record.presses if press.code == code and press.is_opened]
    lead_at = None if code.starts_at is None else code.starts_at - record.lead_ms
    end = since(code.ends_at) if deleted is None else f"{since(deleted)} deleted"
    return (
        f"{code.who.value}, {code.door.name}",
        since(ordered),
        since(lead_at),
        since(stays[0].came_by if stays else None),
        " ".join(since(at) for at in opened) or GONE,
        end,
        since(stays[-1].gone_by if stays else None),
    )


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def verdicts(checks: Sequence[Check]) -> Iterator[str]:
    """A line for every check, then how many held."""
    yield ""
    width = max(len(check.check_id) for check in checks)
    for check in checks:
        mark = {True: "✓", False: "✗", None: GONE}[check.is_held]
        yield f"{mark} {check.check_id:<{width}}  {check.sentence}"
        yield f"  {'':<{width}}    {check.compared}: {check.found}"
    held = sum(bool(check.is_held) for check in checks)
    yield ""
    yield f"{held} of {len(checks)} checks held."
