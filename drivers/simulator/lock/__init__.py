"""The truth: what a lock does, as pure values and rules, without a clock, a radio or a loop of its own."""
