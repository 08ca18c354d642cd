"""A small synchronous client of a home's control socket, for tests and demos. Standard library only."""

import json
import socket
from pathlib import Path

TIMEOUT_S = 10.0
"""How long an answer may take; every verb is answered from memory, within milliseconds."""

type Plain = dict[str, object]


class HomeRefused(RuntimeError):  # noqa: N818 - the home's own word
    """The home understood and said no; the text says why and what to ask instead."""


class HomeUnreachable(RuntimeError):  # noqa: N818 - the home's own word
    """Nobody answers at the socket."""


class Home:
    """A home at the other end of a socket. One connection per question, so a restarted home is no special case."""

    def __init__(self, path: Path | str) -> None:
        """Remember where the home is; nothing is connected yet."""
        self._path = str(path)

    def truth(self, lock: str | int | None = None) -> list[Plain]:
        """What is really in one lock or in all."""
        args = {} if lock is None else {"lock": str(lock)}
        return _rows(self.ask("truth", **args))

    def pins(self, lock: str | int) -> dict[int, str]:
        """The PINs that open a lock now, by slot: stored, enabled, and inside their schedule if they have one."""
        (told,) = self.truth(lock)
        opening = told["opening"]
        if not isinstance(opening, dict):
            raise HomeRefused("the home does not tell what opens")
        return {int(slot): str(pin) for slot, pin in opening.items()}

    def press(self, lock: str | int, digits: str) -> Plain:
        """Type digits at the keypad; `is_opened` and `outcome` (opened, refused, locked_out) tell what came of it."""
        return _row(self.ask("press", lock=str(lock), digits=digits))

    def opens(self, lock: str | int, digits: str) -> bool:
        """Whether these digits let a person in now; the door is locked again. Raises as `ask`."""
        is_opened = self.press(lock, digits)["is_opened"] is True
        if is_opened:
            self.turn(lock, "lock")
        return is_opened

    def program(self, lock: str | int, slot: int, pin: str) -> Plain:
        """Store a PIN by hand."""
        return _row(self.ask("program", lock=str(lock), slot=slot, pin=pin))

    def erase(self, lock: str | int, slot: int) -> Plain:
        """Empty a slot by hand."""
        return _row(self.ask("erase", lock=str(lock), slot=slot))

    def reset(self, lock: str | int) -> Plain:
        """Push the factory reset."""
        return _row(self.ask("reset", lock=str(lock)))

    def leave(self, lock: str | int) -> Plain:
        """Push the full factory reset."""
        return _row(self.ask("leave", lock=str(lock)))

    def turn(self, lock: str | int, direction: str) -> Plain:
        """Turn the bolt by hand, `lock` or `unlock`."""
        return _row(self.ask("turn", lock=str(lock), direction=direction))

    def jam(self, lock: str | int) -> Plain:
        """Stop the bolt half way."""
        return _row(self.ask("jam", lock=str(lock)))

    def battery(self, lock: str | int, percent: int) -> Plain:
        """Set the charge."""
        return _row(self.ask("battery", lock=str(lock), percent=percent))

    def switch(self, lock: str | int, slot: int, state: str) -> Plain:
        """Disable a code by hand, `off`, or enable it again, `on`."""
        return _row(self.ask("switch", lock=str(lock), slot=slot, state=state))

    def cover(self, lock: str | int, state: str) -> Plain:
        """Take the cover off, `open`, or put it on again, `closed`."""
        return _row(self.ask("cover", lock=str(lock), state=state))

    def power(self, lock: str | int) -> Plain:
        """Change the batteries; outside a network the lock calls by SmartStart then."""
        return _row(self.ask("power", lock=str(lock)))

    def clock(self, lock: str | int, seconds: int) -> Plain:
        """Put a lock's clock wrong by so many seconds more."""
        return _row(self.ask("clock", lock=str(lock), seconds=seconds))

    def button(self, lock: str | int) -> Plain:
        """Press the button that includes or excludes the lock."""
        return _row(self.ask("button", lock=str(lock)))

    def label(self, lock: str | int) -> Plain:
        """Read the DSK and where the lock belongs: node (0: nowhere), security (its highest key)."""
        return _row(self.ask("label", lock=str(lock)))

    def counts(self) -> Plain:
        """Counters of locks, stick and serial line."""
        return _row(self.ask("counts"))

    def lock_counts(self, lock: str | int) -> Plain:
        """Counters of one lock."""
        for row in _rows(self.counts()["locks"]):
            if str(lock).casefold() in (str(row["lock"]).casefold(), str(row["node"])):
                return row
        raise HomeRefused(f"there is no lock {lock!r}")

    def frames(self, since: int = 0, lock: str | int | None = None) -> list[Plain]:
        """The decoded trace above a number."""
        args: Plain = {"since": since} if lock is None else {"since": since, "lock": str(lock)}
        return _rows(_row(self.ask("frames", **args))["frames"])

    def last_frame(self) -> int:
        """Number of the newest frame, to ask `frames` from."""
        last = _row(self.ask("frames", since=2**62))["last"]
        return last if isinstance(last, int) else 0

    def faults(self) -> list[Plain]:
        """Every fault with its counts."""
        return _rows(self.ask("faults"))

    def fault(
        self, name: str, *, lock: str | int | None = None, times: int | None = None, rate: float | None = None
    ) -> Plain:
        """Arm a fault, or perform it."""
        args: Plain = {"name": name}
        if lock is not None:
            args["lock"] = str(lock)
        if times is not None:
            args["times"] = times
        if rate is not None:
            args["rate"] = rate
        return _row(self.ask("fault", **args))

    def calm(self) -> Plain:
        """Cancel every armed fault."""
        return _row(self.ask("calm"))

    def unplug(self) -> Plain:
        """Pull the stick out."""
        return _row(self.ask("unplug"))

    def plug(self) -> Plain:
        """Push the stick in."""
        return _row(self.ask("plug"))

    def ask(self, verb: str, **args: object) -> object:
        """Ask anything; raises `HomeRefused` or `HomeUnreachable`."""
        request = json.dumps({"verb": verb, "args": args}).encode() + b"\n"
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(TIMEOUT_S)
                connection.connect(self._path)
                connection.sendall(request)
                with connection.makefile("rb") as stream:
                    line = stream.readline()
        except OSError as error:
            reason = error.strerror or "no answer in time"
            raise HomeUnreachable(f"{self._path}: {reason}; is `python -m drivers.simulator serve` running?") from None
        try:
            answer = json.loads(line)
        except ValueError:
            raise HomeUnreachable(f"{self._path}: answered nothing that can be read") from None
        if not answer.get("ok"):
            raise HomeRefused(str(answer.get("error")))
        result: object = answer.get("result")
        return result


def _row(value: object) -> Plain:
    if not isinstance(value, dict):
        raise HomeUnreachable("the home answered with another shape; client and home differ in version")
    return value


def _rows(value: object) -> list[Plain]:
    if not isinstance(value, list):
        raise HomeUnreachable("the home answered with another shape; client and home differ in version")
    return [_row(row) for row in value]
