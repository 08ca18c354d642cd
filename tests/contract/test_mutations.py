"""One rule of the firmware broken on purpose per kind of lock: a scene has to go red, and is green without."""

from collections.abc import Callable

import pytest

from drivers.kit.stage import SceneBroken
from drivers.simulator.lock import rules
from drivers.simulator.lock.profiles import shipped_profiles
from tests.contract.kinds import kind_named
from tests.contract.plays import played
from tests.contract.test_in_process import ending_of
from tests.sim.loop import play as in_virtual_time

MUTATIONS: dict[str, tuple[str, Callable[..., object], str]] = {
    "plain": ("rival", lambda *_: None, "duplicate is refused by name"),
    "v2": ("opens", lambda *_: True, "replaced pin opens no more"),
    "masked": ("shown", lambda _model, pin: pin, "masked lock says that it masks"),
    "silent": ("fits", lambda *_: True, "wrong length is not stored"),
    "timed": ("is_bound", lambda _model: False, "window to come keeps the door shut"),
    "strict": ("is_bound", lambda _model: False, "closed window keeps the door shut"),
    "ubolt_pro": ("locks_out", lambda *_: False, "keypad locks after wrong pins"),
    "schlage_be469": ("shown", lambda _model, pin: pin, "masked lock says that it masks"),
    "schlage_be469zp": ("rival", lambda *_: None, "own pin in a second slot"),
    "kwikset_914": ("fits", lambda *_: True, "wrong length is not stored"),
    "kwikset_hc620": ("opens", lambda *_: True, "replaced pin opens no more"),
    "yale_zw3": ("is_bound", lambda _model: False, "window to come keeps the door shut"),
}
"""Lock: the rule, what it is replaced by, and the scene that cries."""


SHIPPED = [name for name in MUTATIONS if kind_named(name).profile in shipped_profiles()]


@pytest.mark.parametrize("name", SHIPPED)
def test_broken_rule_is_seen_by_a_scene(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rule, replacement, cries = MUTATIONS[name]
    scene, _ = played()[cries]
    kind = kind_named(name)
    in_virtual_time(ending_of(scene, kind))
    monkeypatch.setattr(rules, rule, replacement)
    with pytest.raises(SceneBroken):
        in_virtual_time(ending_of(scene, kind))
