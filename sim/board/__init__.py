"""The host's side of a board: serial link, checked transfers, the core's registers, and a simulated board."""
