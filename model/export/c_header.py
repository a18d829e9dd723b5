"""A header for C and C++: the content as one constant array, and the numbers that belong to it."""

import numpy as np

from .memory import Memory

PER_LINE = 16


def encode(memory: Memory) -> bytes:
    """The text: an array of the type of the values, and a macro for each constant."""
    name = memory.identifier
    values = memory.values.ravel()
    kind = f"{'u' if values.dtype.kind == 'u' else ''}int{8 * values.itemsize}_t"
    alignment = max(memory.alignment, values.itemsize)
    shape = " × ".join(map(str, memory.values.shape))
    lines = [
        f"// {memory.about}",
        f"// {shape}, row by row. Made by pointwise export.",
        "#pragma once",
        "#include <stdint.h>",
        "",
        f"#define {name.upper()}_COUNT {len(values)}",
        *(f"#define {name.upper()}_{key.upper()} {value}" for key, value in memory.constants.items()),
        "",
        "#ifdef __cplusplus",
        f"alignas({alignment})",
        "#else",
        f"_Alignas({alignment})",
        "#endif",
        f"static const {kind} {name}[{len(values)}] = {{",
        *_lines(values),
        "};",
        "",
    ]
    return "\n".join(lines).encode()


def _lines(values: np.ndarray) -> list[str]:
    return [
        ", ".join(map(str, values[first : first + PER_LINE].tolist())) + ","
        for first in range(0, len(values), PER_LINE)
    ]
