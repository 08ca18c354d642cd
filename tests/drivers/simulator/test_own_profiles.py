"""A scene's own kinds of lock: derived from one that is known, judged like those that ship."""

import pytest

from drivers.simulator.scene import SceneError, read_scene

LOCK = """
[[locks]]
name = "Front door"
node = 2
profile = "beach"
"""


def test_own_kind_takes_over_what_it_does_not_say() -> None:
    text = """
[profiles.beach]
like = "schlage_be469"
label = "Beach house"
slots = 12
[profiles.beach.command_classes]
notification = 4
[profiles.attic]
like = "beach"
slots = 3
"""
    (lock,) = read_scene(text + LOCK).locks
    assert (lock.model.key, lock.model.label, lock.model.slots) == ("beach", "Beach house", 12)
    assert (lock.model.command_classes["notification"], lock.model.command_classes["user_code"]) == (4, 1)
    assert lock.model.is_masked
    (attic,) = read_scene(text + LOCK.replace("beach", "attic")).locks
    assert (attic.model.label, attic.model.slots) == ("Beach house", 3)


def test_lock_may_change_a_fact_of_an_own_kind() -> None:
    text = '[profiles.beach]\nlike = "plain_v1"\nslots = 12\n' + LOCK + "[locks.override]\nslots = 4\n"
    (lock,) = read_scene(text).locks
    assert lock.model.slots == 4


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ('like = "nothing"', "profiles.beach.like"),
        ("slots = 3", "profiles.beach.like"),
        ('like = "plain_v1"\nslots = 0', "profiles.beach.slots"),
        ('like = "plain_v1"\ncolour = "red"', "profiles.beach.colour"),
        ('like = "plain_v1"\nkey_groups = "12 34"', "profiles.beach.key_groups"),
        ('like = "plain_v1"\nparameters = { radio = 3 }', "profiles.beach.parameters.radio"),
        ('like = "plain_v1"\nslot_in = "sky"', "profiles.beach.slot_in"),
    ],
)
def test_own_kind_that_makes_no_lock_is_told_with_its_place(table: str, place: str) -> None:
    with pytest.raises(SceneError) as caught:
        read_scene(f"[profiles.beach]\n{table}\n{LOCK}")
    assert place in {problem.place for problem in caught.value.problems}


def test_own_kind_may_not_take_the_name_of_a_shipped_one() -> None:
    with pytest.raises(SceneError, match="ships already"):
        read_scene('[profiles.plain_v2]\nlike = "plain_v1"\n' + LOCK.replace("beach", "plain_v1"))
