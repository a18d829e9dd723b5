"""An executor and an assembler for the core, written from the documents alone.

`docs/instruction_set.md`, `docs/arithmetic.md` and `docs/architecture.md` are meant to be enough for a third
party to build a compiler, an emulator or a driver. This package is the proof. It was written without a look
at the project's code and imports none of it (a test sees to that). So a sentence of the documents that is
wrong, or missing, shows as a difference between this package and the project's emulator.

    core        what an image must know of a core; error codes
    layouts     where the fields of an instruction lie
    fields      instructions as dataclasses, and as 128 bytes
    image       header, trailer, CRC-32: sealing an image and checking one
    stream      the stationary stream: packing and unpacking
    interpolation, arithmetic   the integer functions
    picture     where a CONV finds its streamed words: tokens, taps, padding
    footprint   what an instruction reads and writes on chip
    overwriting whether a CONV writes over what it reads later
    waits       the fewest waits with which a program is right
    legal       what an instruction may say, and what a program promises
    memory      the on-chip memories and the windows in DRAM
    streamed    the streamed operand of a CONV behind its prologue
    convolution one CONV
    executor    image and input block in, output block or error code out
    assembler   instructions and operands in, sealed image out
"""
