"""The Z-Wave stick: bytes, link, Serial API functions, and what it keeps over power."""
