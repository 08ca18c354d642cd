"""The figures of the product, measured: `python -m tests.bench` writes build/bench.json and prints a table."""
