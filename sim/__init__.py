"""Simulation and the `pointwise` command: builds the generated core with Verilator and compares it bit for bit."""
