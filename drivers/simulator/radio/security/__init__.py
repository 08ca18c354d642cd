"""Security 2 as a node speaks it: arithmetic (`crypto`), shared nonces (`span`), one endpoint per node (`s2`)."""
