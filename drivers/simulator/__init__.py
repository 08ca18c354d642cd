"""A stick, a radio and keypad locks at the serial level: what a real Z-Wave JS talks to when there is no hardware."""
