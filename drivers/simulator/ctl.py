"""The command line of a home: asks one question through the control socket and shows the answer to a person or a program.

Exit code 0: done (a press: opened). 1: the home or the lock said no. 2: nobody there, or the command line is wrong.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence

from drivers.simulator.client import Home, HomeRefused, HomeUnreachable

SAID_NO, NOBODY = 1, 2

type Row = Mapping[str, object]


def add_verbs(parser: argparse.ArgumentParser) -> None:
    """Describe the verbs to the command line."""
    parser.add_argument("--control", required=True, metavar="SOCKET", help="socket of the running home")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, text: str) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=text, description=text)
        made.add_argument("--json", action="store_true", help="answer as JSON, for programs")
        return made

    verb("truth", "what is really in each lock's memory").add_argument("lock", nargs="?")
    _add_hands(verb)
    frames = verb("frames", "what was on the air, decoded")
    frames.add_argument("--since", type=int, default=0, metavar="N", help="only frames numbered above N")
    frames.add_argument("--lock")
    verb("counts", "counters of locks, stick and serial line")
    verb("faults", "every fault, how often it struck, what is armed")
    fault = verb("fault", "arm a fault, or perform it")
    fault.add_argument("name")
    fault.add_argument("--lock", "--node", dest="lock")
    fault.add_argument("--times", type=int, metavar="N", help="strike at the next N chances (1 if nothing is said)")
    fault.add_argument("--rate", type=float, metavar="P", help="strike with probability P until calm")
    verb("calm", "cancel every armed fault")
    verb("unplug", "pull the stick out")
    verb("plug", "push the stick in")


def _add_hands(verb: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Describe what people do at the doors."""
    press = verb("press", "type a PIN at a keypad")
    press.add_argument("lock")
    press.add_argument("digits")
    program = verb("program", "store a PIN by hand at the keypad")
    program.add_argument("lock")
    program.add_argument("slot", type=int)
    program.add_argument("pin")
    erase = verb("erase", "empty a slot by hand at the keypad")
    erase.add_argument("lock")
    erase.add_argument("slot", type=int)
    verb("reset", "push the factory reset: all codes gone").add_argument("lock")
    verb("leave", "push the full factory reset: codes and network are forgotten").add_argument("lock")
    turn = verb("turn", "turn the bolt by hand")
    turn.add_argument("lock")
    turn.add_argument("direction", choices=("lock", "unlock"))
    verb("jam", "stop the bolt half way").add_argument("lock")
    battery = verb("battery", "set the charge")
    battery.add_argument("lock")
    battery.add_argument("percent", type=int)
    switch = verb("switch", "disable a code by hand, or enable it again")
    switch.add_argument("lock")
    switch.add_argument("slot", type=int)
    switch.add_argument("state", choices=("on", "off"))
    cover = verb("cover", "take the cover off, or put it on again")
    cover.add_argument("lock")
    cover.add_argument("state", choices=("open", "closed"))
    verb("power", "take the batteries out and put fresh ones in").add_argument("lock")
    clock = verb("clock", "put a lock's clock wrong by so many seconds more")
    clock.add_argument("lock")
    clock.add_argument("seconds", type=int)
    verb("button", "press the button that includes or excludes the lock").add_argument("lock")
    verb("label", "read the DSK on the lock, and where the lock belongs").add_argument("lock")


def run_verb(arguments: argparse.Namespace) -> int:
    """Ask, show, and return the exit code."""
    words = vars(arguments)
    args = {
        name: value
        for name, value in words.items()
        if name not in ("command", "control", "verb", "json") and value is not None
    }
    try:
        result = Home(arguments.control).ask(arguments.verb, **args)
    except HomeRefused as error:
        return _complain(str(error), SAID_NO)
    except HomeUnreachable as error:
        return _complain(str(error), NOBODY)
    sys.stdout.write((json.dumps(result, indent=1) if arguments.json else _shown(arguments.verb, result)) + "\n")
    if isinstance(result, dict) and (result.get("is_opened") is False or result.get("is_stored") is False):
        return SAID_NO
    return 0


def _complain(text: str, code: int) -> int:
    sys.stderr.write(text + "\n")
    return code


def _shown(verb: str, result: object) -> str:
    """Show an answer as text for people."""
    match verb, result:
        case "truth", list():
            return "\n\n".join(_shown_truth(lock) for lock in result)
        case "frames", {"frames": list(frames)}:
            columns = ("number", "at", "lock", "direction", "label", "size", "beam", "fate")
            rows = [
                {**frame, "at": f"{frame['at']:.3f}", "beam": "beam" if frame["is_beamed"] else ""} for frame in frames
            ]
            return _table(columns, rows)
        case "counts", {"locks": list(locks), "serial": dict(serial), "stick": dict(stick)}:
            shown = _table(tuple(locks[0]) if locks else (), locks)
            return f"{shown}\n\nserial line: {_listed(serial)}\nstick: {_listed(stick)}"
        case "faults", list():
            rows = [{**row, "armed": "; ".join(_listed(order) for order in row["armed"])} for row in result]
            return _table(("fault", "place", "struck", "armed", "meaning"), rows)
        case _, dict():
            return _listed(result)
        case _:
            return str(result)


def _shown_truth(lock: Row) -> str:
    head = f"{lock['lock']} (node {lock['node']}, {lock['profile']}): {lock['bolt']}, battery {lock['battery']} %"
    slots, opening, clock = lock["slots"], lock["opening"], lock["clock"]
    if isinstance(clock, dict) and clock["is_set"]:
        head += f", clock {clock['local']}"
    if not isinstance(slots, dict) or not isinstance(opening, dict) or not slots:
        return f"{head}\n  no codes"
    rows = [{"slot": slot, **entry, "opens": "yes" if slot in opening else "no"} for slot, entry in slots.items()]
    return f"{head}\n" + _table(("slot", "status", "pin", "opens"), rows, indent="  ")


def _listed(row: Row) -> str:
    """Write a mapping as "name value, name value", leaving empty ones out."""
    return ", ".join(f"{name} {value}" for name, value in row.items() if value not in (None, {}, [])) or "nothing"


def _table(columns: Sequence[str], rows: Sequence[Row], *, indent: str = "") -> str:
    """Align rows under their column names."""
    if not rows:
        return f"{indent}nothing"
    cells = [[str(row.get(column, "")) for column in columns] for row in rows]
    widths = [max(len(column), *(len(row[place]) for row in cells)) for place, column in enumerate(columns)]
    lines = [columns, *cells]
    return "\n".join(
        indent + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
