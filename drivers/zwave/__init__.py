"""The production driver: keypad locks on Z-Wave, through a local Z-Wave JS server."""
