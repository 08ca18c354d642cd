"""How fast the stay goes. Leads are shortened by configuration; nothing else about the hub is special."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Pace:
    """All times in seconds. `start_after_s` counts from the orders, `stay_s` is check-in to check-out.

    `hears_s` bounds how long the cloud may wait for news while all links are up, `checkout_s` how long a PIN may outlive
    its end, `quiet_s` how long the hub is watched after its restart, `heal_s` how long all may take when the broker is back:
    above the hub's own patience of 60 s, after which it repeats what has no receipt.
    """

    name: str
    has_airtime: bool
    lead_s: float
    start_after_s: float
    stay_s: float
    dead_s: float
    quiet_s: float
    breath_s: float
    watch_every_s: float = 0.1
    gap_max_s: float = 2.0
    hears_s: float = 5.0
    checkout_s: float = 10.0
    heal_s: float = 75.0
    ready_s: float = 90.0

    def for_machine(self, hub_start_s: float) -> "Pace":
        """A longer stay where the hub takes longer to start: it is killed and started again inside the stay."""
        usual_s = 1.5
        return replace(self, stay_s=self.stay_s + 3 * max(0.0, hub_start_s - usual_s))


STAY = Pace(
    "stay",
    has_airtime=True,
    lead_s=7.0,
    start_after_s=17.0,
    stay_s=21.0,
    dead_s=1.5,
    quiet_s=3.0,
    breath_s=0.8,
)
"""For people: the radio takes the time that a real one takes."""

QUICK = Pace(
    "quick",
    has_airtime=False,
    lead_s=2.2,
    start_after_s=4.5,
    stay_s=7.0,
    dead_s=0.4,
    quiet_s=1.0,
    breath_s=0.1,
    checkout_s=4.0,
)
"""For tests."""

PACES = {pace.name: pace for pace in (STAY, QUICK)}
