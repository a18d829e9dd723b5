"""Timing diagrams of the core's ports, recorded in simulation."""
