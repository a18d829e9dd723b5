"""Hostile images, sealed and wrong: what emulator and core make of them, and what is left of them."""
