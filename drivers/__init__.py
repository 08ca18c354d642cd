"""Everything that is, or pretends to be, a lock."""
