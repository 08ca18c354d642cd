"""The daemon of the keypad gateway. Knows locks, never knows Z-Wave."""

__version__ = "0.1.0"
