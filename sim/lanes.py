"""Vectors of lanes and the wide words that carry them: lane i of width w lies in bits i·w to i·w + w − 1."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def pack_lanes(values: ArrayLike, width: int) -> int:
    """A word from one lane vector.

    Args:
        values: integers, shape (lanes,), each in −2^(width−1) .. 2^width − 1: negative ones are taken in
            two's complement.
        width: bits of a lane, 1..64.

    Raises:
        ValueError: if a value does not fit its lane.
    """
    return pack_rows(np.asarray(values)[np.newaxis, :], width)[0]


def unpack_lanes(word: int, lanes: int, width: int, *, signed: bool) -> NDArray[np.int64]:
    """The lane vector of a word: int64 of shape (lanes,). Unsigned lanes may have 63 bits, signed ones 64."""
    return unpack_rows([word], lanes, width, signed=signed)[0]


def pack_rows(rows: ArrayLike, width: int) -> list[int]:
    """A word from each row of a matrix of shape (rows, lanes); see ``pack_lanes``."""
    matrix = np.asarray(rows)
    if matrix.ndim != 2 or not np.issubdtype(matrix.dtype, np.integer) or not 1 <= width <= 64:
        raise ValueError(f"lanes of {width} bits cannot be made of {matrix.dtype} of shape {matrix.shape}")
    if matrix.size and (int(matrix.min()) < -(1 << width - 1) or int(matrix.max()) >= 1 << width):
        raise ValueError(f"a value of {int(matrix.min())} to {int(matrix.max())} does not fit {width} bits")
    count, lanes = matrix.shape
    if matrix.dtype != np.uint64:
        matrix = matrix.astype(np.int64).view(np.uint64)
    octets = matrix.astype("<u8").reshape(count, lanes, 1).view(np.uint8)
    if width % 8 == 0:
        octets = octets[:, :, : width // 8].reshape(count, lanes * width // 8)
    else:
        bits = np.unpackbits(octets, axis=2, bitorder="little")[:, :, :width]
        octets = np.packbits(bits.reshape(count, lanes * width), axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in octets]


def unpack_rows(words: Sequence[int], lanes: int, width: int, *, signed: bool) -> NDArray[np.int64]:
    """The matrix of shape (words, lanes) of the lane vectors of words; see ``unpack_lanes``.

    Raises:
        ValueError: if a word is negative or longer than its lanes, or lanes do not fit int64.
    """
    if not 1 <= width <= (64 if signed else 63):
        raise ValueError(f"{'signed' if signed else 'unsigned'} lanes of {width} bits do not fit int64")
    count, length = len(words), -(-lanes * width // 8)
    for word in words:
        if word < 0 or word >> lanes * width:
            raise ValueError(f"the word {word:#x} is no vector of {lanes} lanes of {width} bits")
    octets = np.frombuffer(b"".join(word.to_bytes(length, "little") for word in words), np.uint8)
    octets = octets.reshape(count, length)
    if width % 8 == 0:
        lane_octets = octets.reshape(count, lanes, width // 8)
    else:
        bits = np.unpackbits(octets, axis=1, bitorder="little")[:, : lanes * width]
        lane_octets = np.packbits(bits.reshape(count, lanes, width), axis=2, bitorder="little")
    full = np.zeros((count, lanes, 8), np.uint8)
    full[:, :, : lane_octets.shape[2]] = lane_octets
    values = full.view("<u8").reshape(count, lanes).astype(np.uint64)
    if signed and width < 64:
        shift = np.uint64(64 - width)
        return (values << shift).view(np.int64) >> np.int64(64 - width)
    return values.view(np.int64)
