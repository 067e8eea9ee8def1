"""The parts of `record`: see README.md in the folder above."""
