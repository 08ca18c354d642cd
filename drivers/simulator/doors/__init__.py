"""The ways into a simulated home."""
