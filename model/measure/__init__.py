"""Measuring a quantised network against its float one, layer by layer."""
