"""Locks that the hub has met: profile, reachability, battery."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from gateway.model.identity import LockIdentity
from gateway.model.ids import LockId
from gateway.model.instant import Instant
from gateway.model.lock import LockProfile, ReadBack, Schedule, ScheduleClock, ScheduleTrust
from gateway.model.pin import PinRule, PinRules
from gateway.model.pin_rules import PLAIN, PinRelations
from gateway.store.database import Connection

PROFILES_KEPT = 256
"""Profiles that are kept ready: a look at a lock reads its profile, which hardly ever changes. A hub has at most 50 locks."""


@dataclass(frozen=True, slots=True)
class LockRow:
    """What is kept about a lock. `reachable_changed_at` is when it last came or went."""

    lock_id: LockId
    profile: LockProfile
    listed_at: Instant | None
    is_reachable: bool
    reachable_changed_at: Instant | None
    battery_percent: int | None


def put_profile(con: Connection, lock_id: LockId, profile: LockProfile) -> bool:
    """Keep the profile that the driver gave. Returns whether the lock is new to this hub."""
    is_new = con.execute("SELECT 1 FROM lock WHERE lock_id = ?", (lock_id,)).fetchone() is None
    con.execute(
        "INSERT INTO lock (lock_id, profile) VALUES (?, ?) ON CONFLICT (lock_id) DO UPDATE SET profile = excluded.profile",
        (lock_id, _profile_text(profile)),
    )
    return is_new


def get(con: Connection, lock_id: LockId) -> LockRow | None:
    """The lock, or None when no driver ever brought it."""
    row = con.execute(
        """SELECT profile, listed_at_ms, is_reachable, reachable_changed_at_ms, battery_percent
           FROM lock WHERE lock_id = ?""",
        (lock_id,),
    ).fetchone()
    if row is None:
        return None
    return LockRow(
        lock_id=lock_id,
        profile=_profile(str(row[0])),
        listed_at=None if row[1] is None else Instant(cast("int", row[1])),
        is_reachable=bool(row[2]),
        reachable_changed_at=None if row[3] is None else Instant(cast("int", row[3])),
        battery_percent=None if row[4] is None else cast("int", row[4]),
    )


def set_reachable(con: Connection, lock_id: LockId, at: Instant, *, is_reachable: bool) -> bool:
    """Keep whether the lock can be talked to. Returns whether that changed."""
    changed = con.execute(
        "UPDATE lock SET is_reachable = ?, reachable_changed_at_ms = ? WHERE lock_id = ? AND is_reachable != ?",
        (int(is_reachable), at, lock_id, int(is_reachable)),
    ).rowcount
    return changed > 0


def set_battery(con: Connection, lock_id: LockId, percent: int) -> bool:
    """Keep the charge in percent. Returns whether it changed."""
    changed = con.execute(
        "UPDATE lock SET battery_percent = ? WHERE lock_id = ? AND battery_percent IS NOT ?",
        (percent, lock_id, percent),
    ).rowcount
    return changed > 0


def set_battery_low(con: Connection, lock_id: LockId, *, is_low: bool) -> bool:
    """Keep whether the battery is low. Returns whether that changed."""
    changed = con.execute(
        "UPDATE lock SET is_battery_low = ? WHERE lock_id = ? AND is_battery_low != ?",
        (int(is_low), lock_id, int(is_low)),
    ).rowcount
    return changed > 0


def set_listed(con: Connection, lock_id: LockId, at: Instant) -> None:
    """Remember that all slots were listed once."""
    con.execute("UPDATE lock SET listed_at_ms = ? WHERE lock_id = ?", (at, lock_id))


def forget_listing(con: Connection, lock_id: LockId) -> None:
    """All slots are to be listed once more."""
    con.execute("UPDATE lock SET listed_at_ms = NULL WHERE lock_id = ?", (lock_id,))


def _profile_text(profile: LockProfile) -> str:
    return json.dumps(
        {
            "model": profile.model,
            "slots": [profile.slots.start, profile.slots.stop],
            "lengths": sorted(profile.pin_rules.lengths),
            "further": [[rule.name, rule.text, rule.must_match] for rule in profile.pin_rules.further],
            "read_back": profile.read_back.value,
            "supervision_is_honest": profile.supervision_is_honest,
            "relations": [
                list(profile.pin_relations.shared_keys),
                profile.pin_relations.neighbours,
                profile.pin_relations.distinct_prefix,
            ],
            "identity": [profile.identity.product, profile.identity.serial],
            "tells_hands": profile.tells_hands,
            "schedule": None if profile.schedule is None else _schedule_facts(profile.schedule),
        }
    )


def _schedule_facts(schedule: Schedule) -> dict[str, str | int | None]:
    return {
        "grain_ms": schedule.grain_ms,
        "clock": schedule.clock.value,
        "shortest_ms": schedule.shortest_ms,
        "longest_ms": schedule.longest_ms,
        "enforced": schedule.enforced.value,
    }


def _relations(kept: Sequence[object] | None) -> PinRelations:
    match kept:
        case [list(keys), int(neighbours), int(prefix)]:
            return PinRelations(tuple(str(key) for key in keys), neighbours, prefix)
        case _:
            return PLAIN


@lru_cache(PROFILES_KEPT)
def _profile(text: str) -> LockProfile:
    kept = json.loads(text)
    return LockProfile(
        model=kept["model"],
        slots=range(*kept["slots"]),
        pin_rules=PinRules(frozenset(kept["lengths"]), tuple(PinRule(*rule) for rule in kept["further"])),
        read_back=ReadBack(kept["read_back"]),
        supervision_is_honest=kept["supervision_is_honest"],
        pin_relations=_relations(kept.get("relations")),
        identity=LockIdentity(*kept.get("identity", ())),
        tells_hands=kept.get("tells_hands", True),
        schedule=None if kept.get("schedule") is None else _schedule(kept["schedule"]),
    )


def _schedule(kept: Mapping[str, str | int | None]) -> Schedule:
    return Schedule(
        grain_ms=cast("int", kept["grain_ms"]),
        clock=ScheduleClock(str(kept["clock"])),
        shortest_ms=cast("int", kept["shortest_ms"]),
        longest_ms=cast("int | None", kept["longest_ms"]),
        enforced=ScheduleTrust(str(kept["enforced"])),
    )
