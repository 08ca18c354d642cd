"""Time over verified TLS, for a hub that hears no time service (T2). See README.md."""
