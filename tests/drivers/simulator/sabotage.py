"""Rules of the locks, broken on purpose: one for each kind of lock, as a table that any test can apply.

Who judges locks by what they do has to notice each of these. `applied` breaks a rule for a while; the rule is a function of
`drivers.simulator.lock.rules`, which the firmware looks up at each use.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from drivers.simulator.lock import rules


@dataclass(frozen=True, slots=True)
class Sabotage:
    """One broken rule: the kind of lock that lives by it, the rule's name, what stands in for it, and what is wrong then."""

    profile: str
    rule: str
    instead: Callable[..., object]
    harm: str


SABOTAGES = (
    Sabotage("plain_v1", "fits", lambda *_: True, "a PIN of three digits is taken"),
    Sabotage("ubolt_pro", "rival", lambda *_: None, "one PIN is stored in two slots"),
    Sabotage("schlage_be469", "is_reserved", lambda *_: False, "the beginning of the programming code is taken"),
    Sabotage("schlage_be469zp", "shown", lambda _model, pin: pin, "a masking lock shows a PIN"),
    Sabotage("kwikset_914", "keys", lambda _model, digits: digits, "two digits of one key are told apart"),
    Sabotage("kwikset_hc620", "locks_out", lambda *_: False, "any number of wrong PINs may be tried"),
    Sabotage("yale_zw3", "is_bound", lambda *_: False, "a PIN opens outside its schedule"),
    Sabotage("plain_v2", "opens", lambda _model, slot, digits: slot.pin == digits, "a disabled PIN opens"),
)


@contextmanager
def applied(sabotage: Sabotage) -> Iterator[None]:
    """Break the rule until the block ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, sabotage.rule, sabotage.instead)
        yield
