"""What must hold about a stay. Each check compares what really was in the locks with orders, or what the cloud got with
what really happened; the hub's own word proves nothing here. Pure: a record in, findings out.
"""

from collections import Counter
from collections.abc import Iterator

from gateway.cloud.pump import PATIENCE_S
from tests.demo.record import (
    DOORS,
    FOREIGN_PIN,
    FOREIGN_SLOT,
    FRONT,
    Code,
    Heard,
    Look,
    Moment,
    Ordered,
    Presence,
    Press,
    Record,
    Who,
)
from tests.demo.verdict import Finding, Rules

ANSWERS = ("command.received", "command.accepted", "command.applied")
FINAL = frozenset({"command.applied", "command.failed", "command.rejected"})

NEEDLESS_MS = round(PATIENCE_S * 1000 / 2)
"""A hub repeats what has no receipt when its patience has ended. That happens once in a while on a broker that keeps no
sessions, when the hub is back before the cloud; anything sooner is needless."""

RULES = Rules()
rule = RULES.rule


# -- at the keypad -----------------------------------------------------------------------------------------------------


@rule("refused-before-lead", "Before its lead the guest's PIN is refused", "keypad's answer with the order")
def _refused_before_lead(record: Record) -> Finding:
    return _pressed(record, (Who.GUEST,), (Moment.BEFORE_LEAD,), "refused")


@rule("opens-in-window", "From check-in to check-out the guest's PIN opens", "keypad's answer with the order")
def _opens_in_window(record: Record) -> Finding:
    inside = (Moment.INSIDE, Moment.HUB_DEAD, Moment.AFTER_RESTART, Moment.BROKER_DOWN)
    return _pressed(record, (Who.GUEST,), inside, "opened")


@rule("refused-after-end", "After check-out the guest's PIN is refused", "keypad's answer with the order")
def _refused_after_end(record: Record) -> Finding:
    return _pressed(record, (Who.GUEST,), (Moment.AFTER_END,), "refused")


@rule("owner-always", "The owner's PIN opens at any time", "keypad's answer and lock memory with the order")
def _owner_always(record: Record) -> Finding:
    moments = (Moment.SETTLED, Moment.HUB_DEAD, Moment.BROKER_DOWN, Moment.AT_LAST)
    pressed = _pressed(record, (Who.OWNER,), moments, "opened")
    lost = [
        f"{code.door.name}: the owner's PIN went away"
        for code in record.of(Who.OWNER)
        for stay in record.presences(code.door, code.pin)
        if stay.gone_by is not None
    ]
    return Finding(pressed.is_complete, (*pressed.broken, *lost), pressed.found)


@rule("deleted-is-gone", "A code deleted while the broker was down is off its lock", "lock memory with the order")
def _deleted_is_gone(record: Record) -> Finding:
    pressed = _pressed(record, (Who.GARDENER,), (Moment.DELETED,), "refused")
    gone = [stay for code in record.of(Who.GARDENER) for stay in record.presences(code.door, code.pin) if stay.gone_by]
    ordered = next((order.at for order in record.orders if order.kind == "access_code.delete"), None)
    early = [
        "the gardener's PIN went before the order"
        for stay in gone
        if stay.gone_by is not None and (ordered is None or stay.gone_by < ordered)
    ]
    return Finding(pressed.is_complete and bool(gone), (*pressed.broken, *early), pressed.found)


# -- in the locks' memory ----------------------------------------------------------------------------------------------


@rule("not-before-lead", "The guest's PIN is on no lock before its lead", "lock memory, all the time, with the order")
def _not_before_lead(record: Record) -> Finding:
    broken = [
        f"{code.door.name}: {_s(_opens_at(record, code) - stay.came_by)} before the lead"
        for code, stay in _guest_stays(record)
        if stay.came_by < _opens_at(record, code)
    ]
    since = [f"{code.door.name} {_s(stay.came_by - _opens_at(record, code))}" for code, stay in _guest_stays(record)]
    return Finding(
        len(since) >= len(record.of(Who.GUEST)) > 0, tuple(broken), f"after the lead began: {', '.join(since)}"
    )


@rule("whole-window", "The guest's PIN is on its locks from check-in to check-out", "lock memory with the order")
def _whole_window(record: Record) -> Finding:
    broken: list[str] = []
    held = 0
    for code in record.of(Who.GUEST):
        starts_at, ends_at = code.starts_at or 0, code.ends_at or 0
        stays = record.presences(code.door, code.pin)
        if record.now > starts_at + record.gap_max_ms and not any(stay.came_after <= starts_at for stay in stays):
            broken.append(f"{code.door.name}: not there at check-in")
        broken += [
            f"{code.door.name}: gone {_s(ends_at - stay.gone_by)} before check-out"
            for stay in stays
            if stay.gone_by is not None and stay.gone_by < ends_at
        ]
        held += record.now > ends_at and len(stays) == 1
    return Finding(held == len(record.of(Who.GUEST)) > 0, tuple(broken), "there without a gap")


@rule(
    "checkout-on-time",
    "At check-out the PIN leaves its locks within the bound, broker or not",
    "lock memory with the order",
)
def _checkout_on_time(record: Record) -> Finding:
    broken: list[str] = []
    took: list[str] = []
    for code in record.of(Who.GUEST):
        ends_at = code.ends_at or 0
        late_at = ends_at + record.checkout_ms
        for stay in record.presences(code.door, code.pin):
            if stay.gone_by is not None and ends_at <= stay.gone_by <= late_at:
                took.append(f"{code.door.name} {_s(stay.gone_by - ends_at)}")
            elif stay.gone_after > late_at:
                broken.append(f"{code.door.name}: still there {_s(stay.gone_after - ends_at)} after the end")
    outage = record.broker_outage
    for code in record.of(Who.GUEST) if outage is not None and outage.to is not None else ():
        assert outage is not None
        assert outage.to is not None
        if not outage.since <= (code.ends_at or 0) < outage.to:
            broken.append("the broker was not down at check-out: the machine is too slow for this pace")
    bound = f"off after {', '.join(took)}; the bound is {_s(record.checkout_ms)}"
    return Finding(len(took) == len(record.of(Who.GUEST)) > 0, tuple(broken), bound)


@rule(
    "foreign-untouched", "The code that somebody made by hand stays as it is", "slot 1 of the Front door, all the time"
)
def _foreign_untouched(record: Record) -> Finding:
    looks = record.looks[FRONT]
    broken = [
        f"slot {FOREIGN_SLOT} of the {FRONT.name} was changed"
        for look in looks
        if look.slots.get(FOREIGN_SLOT) != FOREIGN_PIN
    ]
    sent = [
        f"something was sent to slot {FOREIGN_SLOT} of the {FRONT.name}"
        for frame in record.frames
        if frame.door == FRONT and frame.is_to_lock and "Set" in frame.label and _names(frame.label, FOREIGN_SLOT)
    ]
    return Finding(bool(looks), (*broken, *sent), f"the same in {record.look_count} looks; nothing was ever sent to it")


@rule("no-stray-pin", "No lock ever holds a PIN that no order explains", "lock memory, all the time, with all orders")
def _no_stray_pin(record: Record) -> Finding:
    broken = dict.fromkeys(stray for door in DOORS for look in record.looks[door] for stray in _strays(record, look))
    return Finding(record.look_count > 0, tuple(broken), f"{record.look_count} looks at three locks")


def _strays(record: Record, look: Look) -> Iterator[str]:
    known = {code.pin for code in record.codes if code.door == look.door}
    if look.door == FRONT:
        known.add(FOREIGN_PIN)
    held = Counter(look.slots.values())
    for slot, pin in look.slots.items():
        if pin not in known:
            yield f"{look.door.name}: nobody ordered what is in slot {slot}"
        elif held[pin] > 1:
            yield f"{look.door.name}: one PIN in two slots"


@rule("watched", "The demo really looked all the time", "the longest time between two looks with the bound")
def _watched(record: Record) -> Finding:
    blink = record.longest_blink_ms
    broken = (f"it blinked for {_s(blink)}",) if blink > record.gap_max_ms else ()
    return Finding(record.look_count > 0, broken, f"{record.look_count} looks, the longest blink {_s(blink)}")


# -- on the radio ------------------------------------------------------------------------------------------------------


@rule("restart-silent", "Killed and restarted with nothing due, the hub sends nothing", "the simulator's counters")
def _restart_silent(record: Record) -> Finding:
    counted = record.restart
    if counted is None:
        return Finding(is_complete=False, broken=(), found="not killed yet")
    broken = tuple(
        f"{name}: {counted.after[name] - counted.before[name]} messages"
        for name in counted.before
        if counted.after[name] != counted.before[name]
    )
    return Finding(is_complete=True, broken=broken, found="0 messages to three locks from the kill on")


# -- what the cloud gets -----------------------------------------------------------------------------------------------


@rule("who-opened", "The cloud hears which code opened which door, once each", "events with what was typed")
def _who_opened(record: Record) -> Finding:
    typed = [press for press in record.presses if press.is_opened and press.is_hub_up]
    told = [heard for heard in record.heard if heard.event.kind == "lock.unlocked"]
    broken: list[str] = []
    for number, press in enumerate(typed):
        if number >= len(told):
            if _is_overdue(record, press.at):
                broken.append(f"not heard of: {_press_words(press)}")
        elif (told[number].code_id, told[number].event.body.get("device_id")) != (
            press.code.code_id,
            press.code.door.lock_id,
        ):
            broken.append(f"heard wrongly of: {_press_words(press)}")
    broken += ["heard of an opening that was none"] * max(0, len(told) - len(typed))
    return Finding(bool(typed) and len(told) == len(typed), tuple(broken), f"{len(told)} openings, in order")


@rule("answered-once", "Every order is received, accepted and applied, each once", "the cloud's events with its orders")
def _answered_once(record: Record) -> Finding:
    broken: list[str] = []
    done = 0
    for order in record.orders:
        kinds = [
            heard.event.kind
            for heard in record.heard
            if heard.command_id == order.command_id and heard.event.kind.startswith("command.")
        ]
        if kinds != list(ANSWERS[: len(kinds)]):
            broken.append(f"{_order_words(order)} was answered with {', '.join(kinds)}")
        done += len(kinds) == len(ANSWERS)
    unasked = {heard.command_id for heard in record.heard if heard.event.kind in FINAL} - {
        order.command_id for order in record.orders
    }
    broken += ["an order was answered that nobody gave"] * len(unasked)
    is_complete = bool(record.orders) and done == len(record.orders)
    return Finding(is_complete, tuple(broken), f"{done} of {len(record.orders)} orders with three answers each")


@rule("events-gapless", "Every event reaches the cloud, none is missing", "epoch and sequence numbers")
def _events_gapless(record: Record) -> Finding:
    broken: list[str] = []
    for before, after in zip(record.heard, record.heard[1:], strict=False):
        if after.event.epoch != before.event.epoch or after.event.seq != before.event.seq + 1:
            broken.append(f"{after.event.seq} came after {before.event.seq}")
    if record.heard and record.heard[0].event.seq != 1:
        broken.append("the first number is not 1")
    last_seen = _highest(record)
    last_taken = record.heard[-1].event.seq if record.heard else 0
    if last_seen > last_taken and ((record.is_over and not record.is_cut) or _is_stuck(record)):
        broken.append(f"number {last_taken + 1} never came, up to {last_seen} did")
    numbers = f"{record.heard[0].event.seq} to {last_taken}" if record.heard else "none"
    return Finding(bool(record.heard), tuple(broken), f"numbers {numbers} without a gap")


@rule("events-once", "No event is sent twice without need", "messages on the wire by their id and arrival")
def _events_once(record: Record) -> Finding:
    met: dict[str, int] = {}
    broken: list[str] = []
    needed = 0
    for arrival in record.arrivals:
        before = met.get(arrival.event_id)
        if before is not None and arrival.at - before < NEEDLESS_MS:
            broken.append(f"{arrival.event_id} came again after {_s(arrival.at - before)}")
        needed += before is not None
        met[arrival.event_id] = arrival.at
    why = f", {needed} of them again after the hub's patience" if needed else ""
    return Finding(bool(met), tuple(broken), f"{len(record.arrivals)} messages, {len(met)} ids{why}")


@rule("word-is-true", "What the hub says is set or gone is so in the lock", "events with lock memory at that instant")
def _word_is_true(record: Record) -> Finding:
    broken: list[str] = []
    compared = 0
    for heard in record.heard:
        claim = _claim(record, heard)
        occurred_at = heard.occurred_at
        if claim is None or occurred_at is None:
            continue
        code, is_there = claim
        look = record.shown_first_after(code.door, occurred_at)
        if look is None:
            continue
        compared += 1
        if (code.pin in look.slots.values()) is not is_there:
            said = "set" if is_there else "gone"
            broken.append(f"{code.door.name}: the {code.who.value.lower()}'s code was said to be {said} and was not")
    return Finding(compared > 0, tuple(broken), f"{compared} claims, all true")


@rule(
    "no-leak",
    "No PIN shows in a log, a message of the hub, or a file of it",
    "every PIN of the run, in clear or disguised",
)
def _no_leak(record: Record) -> Finding:
    if record.leaks is None:
        return Finding(is_complete=False, broken=(), found="not searched yet")
    broken = tuple(f"the {leak.who}'s PIN {leak.form} in {leak.place}" for leak in record.leaks)
    return Finding(is_complete=True, broken=broken, found=record.searched)


# -- reading the record ------------------------------------------------------------------------------------------------


def _pressed(record: Record, whose: tuple[Who, ...], moments: tuple[Moment, ...], outcome: str) -> Finding:
    """Every press of these people at these moments must have ended so, and there must have been one at each moment."""
    presses = [press for press in record.presses if press.code.who in whose and press.moment in moments]
    broken = tuple(f"{_press_words(press)}: {press.outcome}" for press in presses if press.outcome != outcome)
    late = tuple(
        f"{_press_words(press)}: typed too late, the machine is too slow for this pace"
        for press in presses
        if press.code.starts_at is not None and not _is_in_place(record, press)
    )
    seen = {press.moment for press in presses}
    return Finding(seen == set(moments), (*broken, *late), f"{outcome} {len(presses)} times out of {len(presses)}")


def _is_in_place(record: Record, press: Press) -> bool:
    """Whether a guest's press fell where the story meant it."""
    starts_at, ends_at = press.code.starts_at or 0, press.code.ends_at or 0
    match press.moment:
        case Moment.BEFORE_LEAD:
            return press.at < starts_at - record.lead_ms
        case Moment.AFTER_END:
            return press.at >= ends_at
        case _:
            return starts_at <= press.at < ends_at


def _guest_stays(record: Record) -> list[tuple[Code, Presence]]:
    return [(code, stay) for code in record.of(Who.GUEST) for stay in record.presences(code.door, code.pin)]


def _opens_at(record: Record, code: Code) -> int:
    return (code.starts_at or 0) - record.lead_ms


def _is_overdue(record: Record, at: int) -> bool:
    """Whether the cloud should have heard by now of what happened at an instant."""
    if record.is_over and not record.is_cut:
        return True
    outage = record.broker_outage
    if outage is not None and at >= outage.since - record.hears_ms:
        return outage.to is not None and record.healed_by is not None and record.now > record.healed_by
    return record.now > at + record.hears_ms


def _is_stuck(record: Record) -> bool:
    """Whether a gap stayed open for longer than the cloud should have to wait."""
    if not record.heard or not record.gap_count:
        return False
    return _is_overdue(record, record.heard[-1].at)


def _highest(record: Record) -> int:
    return max((int(arrival.event_id.rpartition(":")[2]) for arrival in record.arrivals), default=0)


def _claim(record: Record, heard: Heard) -> tuple[Code, bool] | None:
    """The code that an event is about and whether the event says that its PIN is on the lock."""
    code = record.code(heard.code_id)
    if code is None:
        return None
    match heard.event.kind:
        case "access_code.set_on_device":
            return code, True
        case "access_code.removed_from_device" | "access_code.deleted":
            return code, False
        case "command.applied":
            ordered = next((order for order in record.orders if order.command_id == heard.command_id), None)
            return None if ordered is None else (code, ordered.kind != "access_code.delete")
        case _:
            return None


def _names(label: str, slot: int) -> bool:
    return label.endswith(f"#{slot}") or f"#{slot} " in label


def _press_words(press: Press) -> str:
    return f"{press.code.who.value} at the {press.code.door.name} {press.moment.value}"


def _order_words(order: Ordered) -> str:
    return f"{order.kind} for the {order.code.who.value.lower()} at the {order.code.door.name}"


def _s(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.1f} s"
