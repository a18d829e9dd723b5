"""The datapath: SRAM → prologue → array → accumulators → epilogue → SRAM, and what feeds and steers it.

Nothing in the datapath can stall. Whoever *issues* work (loader, streamer, epilogue) first makes sure that
all it needs is there; from then on a token travels through pipelines of fixed latency, with a valid bit. So
there is back-pressure in three places only, and timing between units is arithmetic, not handshakes.
"""
