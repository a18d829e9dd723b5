"""The core's side of the buses: AXI signatures, masters, width conversion, stationary prefetch."""
