"""Registers and the run, the image check, and the fetching of the program."""
