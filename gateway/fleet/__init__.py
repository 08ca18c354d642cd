"""The actors: one worker per lock, one lane per stick."""
