"""The Z-Wave JS server beside the gateway: its pinned packages, its keys and config, and the process that runs it."""
