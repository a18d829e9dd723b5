"""The streamed operand of a CONV, as it enters the array: padding and prologue."""

import numpy as np

from tests.independent.reference import arithmetic, picture
from tests.independent.reference.fields import Conv, Prologue
from tests.independent.reference.memory import OnChip
from tests.independent.reference.stream import Operands


class Streamed:
    """Reads words, and gives the lanes of each N-tile behind the prologue.

    N-tiles differ with a group stride, and with channel shifts, which each of them has for itself.
    """

    def __init__(self, conv: Conv, chip: OnChip, operands: Operands):
        self.conv, self.chip, self.operands = conv, chip, operands
        self.tokens = slice(conv.first_token, conv.first_token + conv.tokens)
        self.inside = picture.inside(conv)
        # Kept, as the CONV may write new ones of the same tokens.
        self.statistics = arithmetic.Statistics(*(part[self.tokens].copy() for part in chip.statistics))
        self._alike = not conv.in_group_stride and operands.channel_shifts is None
        self._first: np.ndarray | None = None

    def tile(self, tile: int) -> np.ndarray:
        """Lanes of an N-tile: words × taps × T × R, int64; those past K are zero."""
        if self._first is not None and (self._alike or tile == 0):
            return self._first
        lanes = self._prologue(self._words(tile), tile)
        words, *_, rows = lanes.shape
        channel = np.arange(words * rows).reshape(words, rows)
        lanes = np.where((channel < self.conv.k)[:, None, None], lanes, 0)
        if tile == 0:
            self._first = lanes
        return lanes

    def _words(self, tile: int) -> np.ndarray:
        """Words as they lie, or of bytes `pad_value`: words × taps × T × R."""
        conv, normalise = self.conv, self.conv.prologue == Prologue.NORMALISE
        memory = self.chip.residual if normalise else self.chip.activation
        where = np.where(self.inside, picture.addresses(conv, self.chip.core, tile), 0)
        found = memory[where]
        if conv.padded:
            found[:, ~self.inside] = np.array(conv.pad_value, np.uint8).view(np.int8)
        if conv.in_unsigned:
            found = found.view(np.uint8)
        return found.astype(np.int64)

    def _prologue(self, lanes: np.ndarray, tile: int) -> np.ndarray:
        if self.conv.prologue == Prologue.EXPONENTIAL:
            row_max = self.chip.row_max[self.conv.max_slot, self.tokens, None]
            return arithmetic.exponentials(lanes, row_max, self.operands.exponential_table)
        if self.conv.prologue == Prologue.NORMALISE:
            return arithmetic.normalise(lanes, self.statistics, self._shifts(tile, *lanes.shape[::3]))
        return lanes

    def _shifts(self, tile: int, words: int, rows: int) -> np.ndarray:
        """Channel shifts of an N-tile, words × 1 × 1 × R."""
        shifts = np.zeros(words * rows, np.int64)
        if self.operands.channel_shifts is not None:
            shifts[: self.conv.k] = self.operands.channel_shifts[tile]
        return shifts.reshape(words, 1, 1, rows)
