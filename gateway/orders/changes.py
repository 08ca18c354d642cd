"""What an order changes of a code, as events tell it."""

from gateway.model.access_code import AccessCode
from gateway.model.commands import Order
from gateway.model.events import Event, EventKind, Fact
from gateway.model.instant import Instant, format_instant
from gateway.model.window import CodeType, Window
from gateway.orders.desk import Desk
from gateway.store import journal
from gateway.store.database import Connection


def tell_at_once(con: Connection, before: AccessCode, code: AccessCode, order: Order, desk: Desk, at: Instant) -> None:
    """Names and just-in-time windows live on the hub alone: such a change is in force when it is stored."""

    def change(kind: EventKind, old: Fact, new: Fact) -> None:
        body: dict[str, Fact] = {"from": old, "to": new, "generation": code.generation}
        journal.append(con, Event(kind, code.lock_id, code.code_id, order.command_id, order.origin, body), at)

    if before.name != code.name:
        change(EventKind.CODE_NAME_CHANGED, desk.personal(before.name), desk.personal(code.name))
    if before.window != code.window:
        change(EventKind.CODE_TIME_FRAME_CHANGED, _window(before.window), _window(code.window))


def mutations(before: AccessCode, code: AccessCode, desk: Desk) -> list[Fact]:
    """What an update asks to be made otherwise, in the documented words; the PIN's change without the PIN (N1)."""
    found: list[Fact] = []
    if before.digest != code.digest:
        found.append({"mutation_code": "updating_code"})
    if before.name != code.name:
        names = {"from": desk.personal(before.name), "to": desk.personal(code.name)}
        found.append({"mutation_code": "updating_name", **names})
    if before.window != code.window:
        found.append(
            {"mutation_code": "updating_time_frame", "from": _window(before.window), "to": _window(code.window)}
        )
    return found


def shown(code: AccessCode, desk: Desk) -> dict[str, Fact]:
    """What a new code's event shows of it."""
    return {"name": desk.personal(code.name), "type": code.window.type.value} | _window(code.window)


def _window(window: Window) -> dict[str, Fact]:
    def text(at: Instant | None) -> str | None:
        return None if at is None else format_instant(at)

    is_bound = window.type is CodeType.TIME_BOUND
    return {"starts_at": text(window.starts_at), "ends_at": text(window.ends_at) if is_bound else None}
