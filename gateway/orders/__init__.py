"""Orders become desired state here, for the cloud and the shell alike: one order, one transaction.

We chose a room of its own below `cloud` and `shell`, because both give orders and the two are blind to each other; the
rules that an order must meet (A10, A11) may not depend on the door it came through. We would change our mind if the shell
ever stopped giving orders itself.
"""
