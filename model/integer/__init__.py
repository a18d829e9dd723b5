"""The integer model: one pure function for each block of the hardware, and the specification of it.

Everything works on NumPy int64 arrays that hold integers of the stated ranges; nothing here knows a floating-point
number. The hardware equals these functions on every bit.
"""
