"""Proofs: the runner, and what harnesses are made of."""
