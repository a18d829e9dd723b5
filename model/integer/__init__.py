"""The integer model: one pure function for each block of the hardware, and the specification of it.

Everything works on NumPy int64 arrays that hold integers of the stated ranges; nothing here knows a
floating-point number. The hardware equals these functions on every bit.

Shapes are those of one image. Every function also takes further axes in front of them, for several images at
once.
"""
