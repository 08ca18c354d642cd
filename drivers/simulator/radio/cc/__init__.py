"""One file per command class: translation between radio payloads and the lock's firmware, and nothing else."""
