"""The process: everything impure that is not an edge elsewhere."""
