"""Maintenance: `gatewayctl` over a Unix socket, for the person at the door."""
