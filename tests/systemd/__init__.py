"""The units on Debian 13. Not collected by `make test`: `make check-units` and `make check-install` run these files by name."""
