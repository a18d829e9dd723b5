"""From an elaborated system to a bitstream: synthesis, place and route, packing, and the report about it."""
