"""The air between stick and locks, and the locks' radio side."""
