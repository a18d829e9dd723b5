"""Complete systems on FPGA boards, made with LiteX: clocks, SDRAM, a bridge to the host, and the core.

Nothing else in ``hw`` imports LiteX; it comes with the extra ``fpga``.
"""
