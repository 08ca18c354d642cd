"""The image in an emulated machine. Not collected by `make test`: `make image-test` runs these files by name."""
