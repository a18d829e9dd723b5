"""Transfers between DRAM and the on-chip memories."""
