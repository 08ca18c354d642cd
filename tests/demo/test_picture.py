"""The picture and the table of a stay: complete, the same for the same stay, and without a PIN."""

import re
from xml.etree import ElementTree as ET

from tests.demo import picture, table
from tests.demo.checks import RULES
from tests.demo.record import FOREIGN_PIN, Record
from tests.demo.staged import PINS, good_record

SVG = "{http://www.w3.org/2000/svg}"
NUMBER = re.compile(r'(?:x|y|x1|x2|y1|y2|cx|cy|width|height)="(-?[\d.]+)"')


def test_the_same_stay_gives_the_same_picture() -> None:
    assert picture.draw(good_record()) == picture.draw(good_record())


def test_the_picture_names_every_lane_and_every_person() -> None:
    words = {element.text for element in ET.fromstring(picture.draw(good_record())).iter(f"{SVG}text")}  # noqa: S314
    lanes = {"Orders", "The cloud hears", "Radio", "Lock memory", "At the keypad"}
    assert lanes | {"check-in", "check-out", "hub killed", "no broker", "Owner", "Guest", "Gardener"} <= words


def test_nothing_lies_outside_the_sheet() -> None:
    drawn = picture.draw(good_record())
    size = ET.fromstring(drawn).attrib["viewBox"].split()  # noqa: S314
    assert all(-1 <= float(number) <= max(float(size[2]), float(size[3])) for number in NUMBER.findall(drawn))


def test_a_story_cut_short_is_drawn_too() -> None:
    record = Record(good_record().began_at, lead_ms=7000, hears_ms=5000, checkout_ms=10_000, gap_max_ms=2000)
    assert picture.draw(record).startswith("<svg")


def test_picture_and_table_hold_no_pin() -> None:
    record = good_record()
    shown = picture.draw(record) + "\n".join([*table.timelines(record), *table.verdicts(RULES.judge(record))])
    assert not any(pin in shown for pin in (*PINS.values(), FOREIGN_PIN))


def test_the_table_tells_when_a_code_came_and_went() -> None:
    rows = list(table.timelines(good_record()))
    (guest,) = (row for row in rows if row.startswith("Guest, Front door"))
    assert guest.split()[3:] == ["0.0", "10.0", "11.2", "17.1", "20.8", "27.0", "38.0", "39.2"]
