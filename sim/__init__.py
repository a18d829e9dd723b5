"""Simulation and the `pointwise` command: the core in Verilator, compared with the model bit for bit."""
