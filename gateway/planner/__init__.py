"""The verbs of the house: pure functions from model to model."""
