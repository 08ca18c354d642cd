"""SQLite: the only room that writes SQL."""
