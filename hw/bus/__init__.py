"""The core's side of the buses: AXI signatures, the two masters, width conversion, the stationary prefetch."""
