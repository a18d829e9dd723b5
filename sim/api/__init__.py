"""Pointwise: an INT8 accelerator core generated from Python, and the way to it from a PyTorch network.

This is the root of what is installed: ``pointwise.hw`` is the hardware and the contract with software,
``pointwise.model`` the networks and their compiler, ``pointwise.sim`` simulation and the commands.
"""
