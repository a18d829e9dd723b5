"""Arithmetic of others, to measure ours against. No part of the accelerator or of its compiler uses it."""
