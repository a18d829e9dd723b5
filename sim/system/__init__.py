"""A whole core in simulation: build it once, run images on it, read results and counters."""
