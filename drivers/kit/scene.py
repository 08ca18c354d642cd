"""A scene: a name, the rule it checks, what it needs, and the play itself."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from drivers.kit.bench import Bench, Need
from drivers.kit.stage import Stage

type Play = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene. `text` is its promise in one sentence; `room` the file it stands in."""

    name: str
    room: str
    rule: str
    text: str
    needs: frozenset[Need]
    play: Play

    def missing(self, bench: Bench) -> tuple[Need, ...]:
        """What this scene needs and the bench lacks, in a fixed order; empty when it can be played."""
        return tuple(sorted(need for need in self.needs if need in bench.lacking))


_SCENES: list[Scene] = []


def scene(rule: str, *needs: Need) -> Callable[[Play], Play]:
    """Register a play. Its name is the function's, its promise the docstring's first line; `rule` cites product and port."""

    def register(play: Play) -> Play:
        name = getattr(play, "__name__", "")
        text = (play.__doc__ or "").strip().splitlines()[0]
        room = play.__module__.rsplit(".", 1)[-1]
        _SCENES.append(Scene(name.replace("_", " "), room, rule, text, frozenset(needs), play))
        return play

    return register


def scenes() -> tuple[Scene, ...]:
    """Every scene there is, in the order they are written."""
    from drivers.kit import scenes as rooms  # noqa: PLC0415 - the rooms register themselves and need this file first

    order = {name: place for place, name in enumerate(rooms.__all__)}
    return tuple(sorted(_SCENES, key=lambda one: order.get(one.room, len(order))))
