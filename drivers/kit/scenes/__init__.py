"""All scenes, by room. Importing this package fills the list that `drivers.kit.scene.SCENES` gives out."""

from drivers.kit.scenes import codes, hands, lives, luck, refusals, windows

__all__ = ["codes", "hands", "lives", "luck", "refusals", "windows"]
