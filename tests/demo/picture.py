"""The stay as a picture that explains itself: orders, radio, lock memory and keypads over time.

Everything is drawn from the record: the bars are what really was in the locks. Colours are Okabe and Ito's, told apart by
colour-blind people too; besides, nothing is said by colour alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.demo.canvas import Canvas, width_of
from tests.demo.record import (
    DOORS,
    FOREIGN_PIN,
    FRONT,
    STUDIO,
    Code,
    Door,
    Frame,
    Heard,
    Moment,
    Outage,
    Press,
    Record,
    Who,
)

WIDTH = 1240
TITLES = 28
LEFT = 272
RIGHT = 1212

INK = "#1f2933"
FAINT = "#66727f"
RULE = "#dfe4ea"
PAPER = "#ffffff"
NO = "#c2410c"
YES = "#0b7a57"
OF_WHO = {Who.OWNER: "#0072b2", Who.GUEST: "#e69f00", Who.GARDENER: "#009e73"}
ON_WHO = {Who.OWNER: "#ffffff", Who.GUEST: "#3a2800", Who.GARDENER: "#ffffff"}
STRANGER = "#9aa3ad"
STAY_TINT = "#fdf3dc"
LEAD_TINT = "#fef9ee"
HUB_TINT = "#f6d9cb"
BROKER_TINT = "#d6e2ee"

TITLE_Y = 44
BANDS_Y = 92
ORDERS_Y = 162
HEARS_Y = 246
RADIO_Y = 318
MEMORY_Y = 428
BAR = 19
BAR_STEP = 23
KEYPAD_STEP = 31
SMALL = 13
BODY = 14


@dataclass(frozen=True, slots=True)
class Scale:
    """Where an instant lies on the sheet."""

    began_at: int
    ended_at: int

    def x(self, at: int) -> float:
        """From left to right; what lies outside is put at the edge."""
        share = (at - self.began_at) / max(1, self.ended_at - self.began_at)
        return LEFT + min(1.0, max(0.0, share)) * (RIGHT - LEFT)


@dataclass(slots=True)
class Sheet:
    """The canvas with its scale."""

    canvas: Canvas
    scale: Scale
    record: Record
    keypad_y: int
    bottom_y: int


def draw(record: Record) -> str:
    """The picture as SVG."""
    memory_height = sum(_memory_height(record, door) for door in DOORS)
    keypad_y = MEMORY_Y + memory_height + 34
    bottom_y = keypad_y + 4 * KEYPAD_STEP + 24
    last = max([record.began_at + 1000, record.now, *(press.at for press in record.presses)])
    scale = Scale(record.began_at - (last - record.began_at) // 60, last + (last - record.began_at) // 30)
    sheet = Sheet(Canvas(WIDTH, bottom_y + 46), scale, record, keypad_y, bottom_y)
    sheet.canvas.box(0, 0, WIDTH, bottom_y + 46, PAPER, rx=10)
    _title(sheet)
    _bands(sheet)
    _axis(sheet)
    _orders(sheet)
    _hears(sheet)
    _radio(sheet)
    _memory(sheet)
    _keypads(sheet)
    return sheet.canvas.svg("A guest's stay", "Orders, radio, lock memory and keypads over time.", HATCH)


HATCH = "".join(
    f'<pattern id="{name}" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    f'<rect width="8" height="8" fill="{tint}" fill-opacity="0.45"/><rect width="3" height="8" fill="{tint}"/></pattern>'
    for name, tint in (("hub", HUB_TINT), ("broker", BROKER_TINT))
)


def _title(sheet: Sheet) -> None:
    sheet.canvas.text(TITLES, TITLE_Y, "A guest's stay", 25, INK, font_weight="600")
    told = "What three locks really held, and who could open them, while the hub was killed and the cloud was away."
    sheet.canvas.text(TITLES, TITLE_Y + 24, told, 15, FAINT)


# -- the background: the stay, its lead, and what was down ---------------------------------------------------------------


def _bands(sheet: Sheet) -> None:
    canvas, x, record = sheet.canvas, sheet.scale.x, sheet.record
    guest = next((code for code in record.codes if code.who is Who.GUEST), None)
    if guest is None or guest.starts_at is None or guest.ends_at is None:
        return
    top, height = BANDS_Y + 4, sheet.bottom_y - BANDS_Y - 4
    lead_x, start_x, end_x = x(guest.starts_at - record.lead_ms), x(guest.starts_at), x(guest.ends_at)
    canvas.box(lead_x, top, start_x - lead_x, height, LEAD_TINT)
    canvas.box(start_x, top, end_x - start_x, height, STAY_TINT)
    for outage, name in ((record.hub_outage, "hub"), (record.broker_outage, "broker")):
        if outage is not None:
            from_x, to_x = x(outage.since), x(outage.to or record.now)
            canvas.box(
                from_x, ORDERS_Y - 34, to_x - from_x, sheet.bottom_y - ORDERS_Y + 34, f"url(#{name})", opacity=0.7
            )
    for edge in (start_x, end_x):
        canvas.line(edge, top - 10, edge, sheet.bottom_y, "#b7791f", stroke_width=1.4)
    canvas.line(lead_x, top, lead_x, sheet.bottom_y, "#d9a94a", stroke_width=1, stroke_dasharray="3 4")
    y = BANDS_Y + 16
    canvas.text((start_x + end_x) / 2, y, "the guest's stay", BODY, "#7a4f0a", text_anchor="middle", font_weight="600")
    canvas.text(start_x + 6, y, "check-in", SMALL, "#7a4f0a")
    canvas.text(end_x + 6, y, "check-out", SMALL, "#7a4f0a")
    canvas.text((lead_x + start_x) / 2, y, "lead: may write", SMALL, "#8a6a2a", text_anchor="middle")
    _outage_words(sheet, record.hub_outage, "hub killed", "#9a3412")
    _outage_words(sheet, record.broker_outage, "no broker", "#1e4e79")


def _outage_words(sheet: Sheet, outage: Outage | None, words: str, ink: str) -> None:
    if outage is not None:
        sheet.canvas.text(sheet.scale.x(outage.since) + 6, ORDERS_Y - 20, words, SMALL, ink, font_weight="600")


def _axis(sheet: Sheet) -> None:
    canvas, scale = sheet.canvas, sheet.scale
    span_s = (scale.ended_at - scale.began_at) / 1000
    step_s = next(step for step in (1, 2, 5, 10, 20, 60, 3600) if span_s / step <= 12)
    canvas.line(LEFT, sheet.bottom_y, RIGHT, sheet.bottom_y, FAINT, stroke_width=1)
    for second in range(0, int(span_s) + 1, step_s):
        at = sheet.record.began_at + second * 1000
        if at > scale.ended_at:
            break
        canvas.line(scale.x(at), sheet.bottom_y, scale.x(at), sheet.bottom_y + 5, FAINT, stroke_width=1)
        words = f"{second} s"
        canvas.text(scale.x(at), sheet.bottom_y + 21, words, SMALL, FAINT, text_anchor="middle")


def _lane(sheet: Sheet, y: float, title: str, *notes: str) -> None:
    sheet.canvas.line(TITLES, y, RIGHT, y, RULE, stroke_width=1)
    sheet.canvas.text(TITLES, y + 25, title, 16, INK, font_weight="600")
    for number, note in enumerate(notes):
        sheet.canvas.text(TITLES, y + 44 + 17 * number, note, SMALL, FAINT)


# -- orders and what the cloud hears ---------------------------------------------------------------------------------------


def _orders(sheet: Sheet) -> None:
    canvas, x, record = sheet.canvas, sheet.scale.x, sheet.record
    _lane(sheet, ORDERS_Y - 8, "Orders", "from the cloud to the hub")
    given = [order for order in record.orders if order.kind == "access_code.create"]
    for row, (who, words) in enumerate(_order_words(record)):
        order = next((order for order in given if order.code.who is who), None)
        if order is not None:
            y = ORDERS_Y + 16 + row * 22
            canvas.dot(x(order.at), y - 4.5, 5.5, OF_WHO[who])
            canvas.note(x(order.at) + 12, y, words, BODY, INK)
    for order in record.orders:
        if order.kind != "access_code.delete":
            continue
        y = ORDERS_Y + 38
        came = next((heard.at for heard in record.heard if heard.command_id == order.command_id), record.now)
        canvas.line(x(order.at), y - 4.5, x(came) - 8, y - 4.5, FAINT, stroke_width=1.6, stroke_dasharray="2 4")
        canvas.path(f"M{x(came) - 9:.1f} {y - 9.5:.1f} l9 5 l-9 5 z", fill=OF_WHO[order.code.who])
        canvas.dot(x(order.at), y - 4.5, 5.5, OF_WHO[order.code.who])
        canvas.note(x(order.at) - 5, y - 18, "Gardener: delete", BODY, INK)
        canvas.note(x(order.at) - 5, y + 18, "waits for a broker", SMALL, FAINT)


def _order_words(record: Record) -> Iterator[tuple[Who, str]]:
    yield Who.OWNER, "Owner: every door"
    yield Who.GARDENER, "Gardener: Garden door"
    guest = next((code for code in record.codes if code.who is Who.GUEST), None)
    if guest is not None and guest.starts_at is not None and guest.ends_at is not None:
        begin_s, end_s = ((at - record.began_at) / 1000 for at in (guest.starts_at, guest.ends_at))
        yield Who.GUEST, f"Guest: two doors, {begin_s:.0f}–{end_s:.0f} s"


_HEARD = {
    "lock.unlocked": "opened",
    "access_code.set_on_device": "set",
    "access_code.removed_from_device": "gone",
}
"""What the lane shows: the three things that a host wants to know."""


def _hears(sheet: Sheet) -> None:
    canvas, x, record = sheet.canvas, sheet.scale.x, sheet.record
    _lane(sheet, HEARS_Y, "The cloud hears", "each event once, in order")
    y = HEARS_Y + 28
    shown = [heard for heard in record.heard if heard.event.kind in _HEARD and heard.at >= record.began_at]
    places: list[float] = []
    for heard in shown:
        code = record.code(heard.code_id)
        fill = STRANGER if code is None else OF_WHO[code.who]
        places.append(max(x(heard.at), places[-1] + 13) if places else x(heard.at))
        _mark(canvas, places[-1], y, heard.event.kind, fill)
    free_x = 0.0
    for first, last, words in _groups(record, shown):
        start = max(places[first] - 6, free_x)
        if start < places[last] + 8:
            canvas.note(start, y + 26, words, SMALL, FAINT)
            free_x = start + width_of(words, SMALL) + 8


def _mark(canvas: Canvas, x: float, y: float, kind: str, fill: str) -> None:
    """A circle for an opened door, a triangle up for a code that is set, one down for a code that is gone."""
    if kind == "lock.unlocked":
        canvas.dot(x, y, 6, fill, stroke=PAPER, stroke_width=1)
        return
    rise = -9.5 if kind == "access_code.set_on_device" else 9.5
    canvas.path(f"M{x - 6:.1f} {y - rise / 2:.1f} h12 l-6 {rise:.1f} z", fill=fill, stroke=PAPER, stroke_width=1)


def _groups(record: Record, shown: Sequence[Heard]) -> Iterator[tuple[int, int, str]]:
    """Runs of the same news: numbers of the first and the last, and what they say."""
    outage = record.broker_outage
    first = 0
    for number, heard in enumerate(shown):
        words = _news(heard, outage)
        after = shown[number + 1] if number + 1 < len(shown) else None
        if after is None or _news(after, outage) != words or after.at - heard.at > GROUP_GAP_MS:
            yield first, number, words
            first = number + 1


def _news(heard: Heard, outage: Outage | None) -> str:
    occurred_at = heard.occurred_at
    if (
        outage is not None
        and outage.to is not None
        and occurred_at is not None
        and outage.since < occurred_at < outage.to
    ):
        return "catches up"
    return _HEARD[heard.event.kind]


# -- radio -----------------------------------------------------------------------------------------------------------------


def _radio(sheet: Sheet) -> None:
    canvas, x, record = sheet.canvas, sheet.scale.x, sheet.record
    _lane(sheet, RADIO_Y, "Radio", "up: to a lock, down: from it", "grey: waking a sleeping lock")
    middle = RADIO_Y + 46
    canvas.line(LEFT, middle, RIGHT, middle, "#b6c0ca", stroke_width=1)
    for frame in record.frames:
        at = x(frame.at)
        if frame.is_beamed and record.has_airtime:
            canvas.box(at, middle - 9, x(frame.at + BEAM_MS) - at, 9, "#b6c0ca", opacity=0.85)
    for frame in record.frames:
        at = x(frame.at + (BEAM_MS if frame.is_beamed and record.has_airtime else 0))
        tip = middle - 22 if frame.is_to_lock else middle + 13
        canvas.line(at, middle, at, tip, INK if frame.is_to_lock else "#6b7a89", stroke_width=1.8)
    for begin, words in _radio_words(record):
        canvas.note(x(begin), middle + 34, words, SMALL, INK)
    silence = record.hub_outage
    if silence is not None and record.restart is not None:
        sent = sum(record.restart.after.values()) - sum(record.restart.before.values())
        canvas.note(x(silence.since) + 6, middle - 13, f"{sent} messages to locks", SMALL, "#9a3412", font_weight="600")


BEAM_MS = 1_100
"""How long a sleeping lock is called before it hears a message (drivers/simulator, airtime)."""

GROUP_GAP_MS = 3_000


def _radio_words(record: Record) -> Iterator[tuple[int, str]]:
    """What the messages of one burst are for."""
    sets = [frame for frame in record.frames if frame.is_to_lock and "User Code Set" in frame.label]
    for burst in _bursts(sets):
        begin, end = burst[0].at, burst[-1].at
        whose: dict[str, None] = {}
        for code in record.codes:
            for stay in record.presences(code.door, code.pin):
                if begin - 500 <= stay.came_by <= end + 2000 and any(frame.door == code.door for frame in burst):
                    whose[f"{code.who.value.lower()}"] = None
                if stay.gone_by is not None and begin - 500 <= stay.gone_by <= end + 2000:
                    whose[f"clears: {code.who.value.lower()}"] = None
        words = [name for name in whose if not name.startswith("clears")]
        gone = [name.removeprefix("clears: ") for name in whose if name.startswith("clears")]
        parts = [*([f"writes {', '.join(words)}"] if words else []), *([f"clears {', '.join(gone)}"] if gone else [])]
        yield begin, ", ".join(parts)


def _bursts(frames: Sequence[Frame]) -> Iterator[list[Frame]]:
    burst: list[Frame] = []
    for frame in frames:
        if burst and frame.at - burst[-1].at > GROUP_GAP_MS:
            yield burst
            burst = []
        burst.append(frame)
    if burst:
        yield burst


# -- lock memory -------------------------------------------------------------------------------------------------------------


def _pins(record: Record, door: Door) -> list[tuple[str, Code | None]]:
    mine: list[tuple[str, Code | None]] = [(FOREIGN_PIN, None)] if door == FRONT else []
    return (
        mine + [(code.pin, code) for code in sorted(record.codes, key=lambda code: code.who) if code.door == door][::-1]
    )


def _memory_height(record: Record, door: Door) -> int:
    return len(_pins(record, door)) * BAR_STEP + 16


def _memory(sheet: Sheet) -> None:
    canvas = sheet.canvas
    _lane(sheet, MEMORY_Y - 10, "Lock memory", "PINs that are", "really in it")
    y = MEMORY_Y + 4
    for door in DOORS:
        rows = _pins(sheet.record, door)
        canvas.text(LEFT - 12, y + len(rows) * BAR_STEP / 2 + 3, door.name, BODY, INK, text_anchor="end")
        canvas.box(LEFT, y - 3, RIGHT - LEFT, len(rows) * BAR_STEP + 2, "#1f2933", opacity=0.035, rx=4)
        for number, (pin, code) in enumerate(rows):
            _bars(sheet, door, pin, code, y + number * BAR_STEP)
        y += _memory_height(sheet.record, door)


def _bars(sheet: Sheet, door: Door, pin: str, code: Code | None, y: float) -> None:
    fill = STRANGER if code is None else OF_WHO[code.who]
    words = "made by hand by somebody else: never touched" if code is None else code.who.value
    for stay in sheet.record.presences(door, pin):
        from_x = sheet.scale.x(stay.came_by)
        to_x = sheet.scale.x(stay.gone_by if stay.gone_by is not None else sheet.scale.ended_at)
        sheet.canvas.box(from_x, y, to_x - from_x, BAR, fill, rx=4)
        if width_of(words, SMALL) + 14 < to_x - from_x:
            ink = "#ffffff" if code is None else ON_WHO[code.who]
            sheet.canvas.text(from_x + 8, y + 14, words, SMALL, ink, font_weight="600")
        if code is not None and code.ends_at is not None and stay.gone_by is not None:
            after_s = (stay.gone_by - code.ends_at) / 1000
            sheet.canvas.note(to_x + 7, y + 14, f"gone after {after_s:.1f} s", SMALL, INK)


# -- keypads -----------------------------------------------------------------------------------------------------------------


def _keypads(sheet: Sheet) -> None:
    canvas = sheet.canvas
    _lane(sheet, sheet.keypad_y - 18, "At the keypad", "does it open?")
    rows: list[tuple[str, list[Press]]] = [
        (f"Guest, {door.name}", [p for p in sheet.record.presses if p.code.who is Who.GUEST and p.code.door == door])
        for door in (FRONT, STUDIO)
    ]
    rows += [(who.value, [p for p in sheet.record.presses if p.code.who is who]) for who in (Who.OWNER, Who.GARDENER)]
    for number, (title, presses) in enumerate(rows):
        y = sheet.keypad_y + 26 + number * KEYPAD_STEP
        canvas.text(LEFT - 12, y + 4.5, title, BODY, INK, text_anchor="end")
        canvas.line(LEFT, y, RIGHT, y, "#c9d1d9", stroke_width=1)
        for press in presses:
            _press(sheet, press, y)
        for press in (press for press in presses if press.moment in _WHY):
            canvas.note(sheet.scale.x(press.at) + 15, y + 4.5, _WHY[press.moment], SMALL, NO)


_WHY = {Moment.BEFORE_LEAD: "too early", Moment.AFTER_END: "too late", Moment.DELETED: "deleted"}


def _press(sheet: Sheet, press: Press, y: float) -> None:
    canvas, x = sheet.canvas, sheet.scale.x(press.at)
    if press.is_opened:
        canvas.dot(x, y, 9, YES, stroke=PAPER, stroke_width=1.5)
        canvas.path(f"M{x - 4:.1f} {y:.1f} l3 3.4 l5.4 -6.6", fill="none", stroke=PAPER, stroke_width=2)
    else:
        canvas.box(x - 8.5, y - 8.5, 17, 17, NO, rx=3, stroke=PAPER, stroke_width=1.5)
        canvas.path(f"M{x - 3.6:.1f} {y - 3.6:.1f} l7.2 7.2 m0 -7.2 l-7.2 7.2", stroke=PAPER, stroke_width=2)
