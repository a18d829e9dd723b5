"""Where the loader is: in which tile of the convolution, which row of the tile, which word of the row.

The words of K and V are those of ``hw.contract.walks.keys`` and ``values``."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import StationarySource
from pointwise.hw.contract.walks import ADDRESS_BITS

from .address import AddressGenerator
from .banked_address import act_address
from .primitives import ceil_log2

PACKED_BITS = 2
"""Low bits of a row's index that say where in a byte its weights lie, at most."""


class StationaryAddressGenerator:
    """The tiles of a convolution in order: for each N-tile, for each K-tile, for each row of the array.

    What the walk needs next is compared a cycle or two before it is there.

    Args:
        conv: the convolution at work, a view of LOADER.

    Signals:
        index: row of the tile, of K its column. part: word of a row of V. sub: part of a word of V that is
            the row, or of a word of channels that a diagonal is for. parity: of the tile's number.
        last_k, last_n: the tile is the last one of its N-tile; the N-tile of its convolution.
        keys, streamed: where the weights come from; bare: the tiles take no rows of the stream.
        last_row: of the array. consumed: its row of the stream is done with then. (Packed weights stay on
            offer for all the rows of the array that are in them.)
        row_ends, column_ends: no more rows of V, no more columns of K in this tile.
        address: of the word of K or V. words: its loops.
    """

    def __init__(self, m: Module, config: CoreConfig, conv: data.View) -> None:
        self.m, self.config, self.conv = m, config, conv
        self.rows, self.cols = config.rows, config.cols
        self.words_per_row = max(1, config.cols // config.rows)
        self.rows_per_word = max(1, config.rows // config.cols)
        self.k_left = Signal(13)
        self.n_left = Signal(13)
        self.taps_left = Signal(4)  # of the line, after this one
        self.lines_left = Signal(4)
        self.last_tap = Signal()
        self.last_line = Signal()
        self.last_word = Signal()
        self.last_k = Signal()
        self.last_n = Signal()
        self.one_tap = Signal()
        self.one_line = Signal()
        self.one_word = Signal()
        self.diagonal = Signal()
        self.keys = Signal()
        self.streamed = Signal()
        self.bare = Signal()
        self.index = Signal(ceil_log2(max(self.rows, self.cols)))
        self.part = Signal(ceil_log2(self.words_per_row))
        self.sub = Signal(ceil_log2(self.rows_per_word))
        self.parity = Signal()
        self.last_row = Signal()
        self.consumed = Signal(init=1)
        self.places = Signal(PACKED_BITS)  # of the last weight in a byte
        self.row_ends = Signal()
        self.column_ends = Signal()

        # Left in the next tile.
        self.k_after = Signal(13)
        self.n_after = Signal(13)
        self.last_word_after = Signal()
        self.last_n_after = Signal()
        # The last one of the rows in this K-tile and the next; of columns.
        self.last_index = Signal.like(self.index)
        self.last_index_after = Signal.like(self.index)
        self.last_column_index = Signal.like(self.index)
        m.d.sync += [
            self.k_after.eq(self.k_left - self.rows),
            self.last_word_after.eq(self.k_left <= 2 * self.rows),
            self.last_index_after.eq(Mux(self.last_word_after, self.k_after, self.rows) - 1),
            self.n_after.eq(self.n_left - self.cols),
            self.last_n_after.eq(self.n_left <= 2 * self.cols),
            self.last_column_index.eq(Mux(self.last_n, self.n_left, self.cols) - 1),
        ]

        # Of K: columns of the array, K-tiles, N-tiles. Of V: words of a row, rows of all K-tiles, N-tiles.
        self.words = AddressGenerator(m, 3, ADDRESS_BITS, "address")
        self.address = self.words.address
        self.inner = Mux(self.keys, conv.stat_token_stride, conv.stat_word_stride)
        self.outer = Mux(self.keys, conv.stat_word_stride, conv.stat_token_stride)
        self.next_n = Signal(ADDRESS_BITS)  # where the next N-tile begins

    def ask(self, read: wiring.Component, load: Signal) -> None:
        """Ask port ``read`` of the activation SRAM for the word, with ``load``."""
        m, conv = self.m, self.conv
        # N-tiles may lie in one word of V.
        across = Mux(self._last_sub, conv.stat_word_stride * self.words_per_row, 0)
        stride = Mux(self.keys, conv.stat_token_stride * self.cols, across)
        m.d.comb += [
            read.valid.eq(load),
            read.place.eq(act_address(self.config).decode(m, self.address, "read")),
        ]
        m.d.sync += self.next_n.eq(self.words.starts[2] + stride)

    @property
    def _last_sub(self) -> Value:
        return self.sub == self.rows_per_word - 1

    @property
    def _last_part(self) -> Value:
        return self.part == self.words_per_row - 1

    def start(self, start: data.View) -> None:
        """Begin with the first tile of the convolution ``start``."""
        self.m.d.sync += [
            self.n_left.eq(start.n),
            self.k_left.eq(start.k),
            self.taps_left.eq(start.extra_taps),
            self.lines_left.eq(start.extra_lines),
            self.last_tap.eq(start.extra_taps == 0),
            self.one_tap.eq(start.extra_taps == 0),
            self.last_line.eq(start.extra_lines == 0),
            self.one_line.eq(start.extra_lines == 0),
            self.last_word.eq(start.k <= self.rows),
            self.one_word.eq(start.k <= self.rows),
            self.last_k.eq((start.extra_taps == 0) & (start.extra_lines == 0) & (start.k <= self.rows)),
            self.diagonal.eq(start.diagonal),
            self.last_n.eq(start.n <= self.cols),
            self.keys.eq(start.stationary == StationarySource.KEYS),
            self.streamed.eq(start.stationary == StationarySource.STREAM),
            self.bare.eq((start.stationary != StationarySource.STREAM) & ~start.shifts),
            self.places.eq((1 << start.packing) - 1),
            self.consumed.eq(1),
        ]

    def start_words(self, base: Value) -> None:
        """Begin with the word of K or V at ``base``."""
        self.m.d.sync += [self.part.eq(0), self.sub.eq(0)]
        self.words.begin(base)

    def to_row(self, number: Value | int) -> None:
        """Go to row ``number`` of the tile."""
        last = number == self.rows - 1
        place = Value.cast(number)[:PACKED_BITS]
        self.m.d.sync += [
            self.index.eq(number),
            self.row_ends.eq(self.last_index == number),
            self.column_ends.eq(self.last_column_index == number),
            self.last_row.eq(last),
            self.consumed.eq((((~place & self.places) == 0) & ~self.diagonal) | last),
        ]

    def next_row(self) -> None:
        self.to_row((self.index + 1)[: len(self.index)])

    def first_row(self) -> None:
        """To the first row of an N-tile's first tile."""
        self.to_row(0)
        self.m.d.sync += self.last_index.eq(Mux(self.last_word, self.k_left, self.rows) - 1)

    def next_word(self) -> None:
        """To the next word of K or V; in the last one, ``words_end``, of no meaning."""
        m = self.m
        with m.If(self.keys):
            self.next_row()
            self.words.advance(0, self.inner)
        with m.Elif(self._last_part):
            self.next_row()
            m.d.sync += self.part.eq(0)
            self.words.advance(1, self.outer)
        with m.Else():
            m.d.sync += self.part.eq(self.part + 1)
            self.words.advance(0, self.inner)

    @property
    def words_end(self) -> Value:
        """This word is the last one of its tile."""
        return Mux(self.keys, self.column_ends, self.row_ends & self._last_part)

    def end_tile(self) -> None:
        """Go on to the first row of a tile, which is named by ``next_k_tile`` or ``next_n_tile``."""
        self.to_row(0)
        self.m.d.sync += [self.part.eq(0), self.parity.eq(~self.parity)]

    def next_k_tile(self, *, words: bool) -> None:
        """Go on to the next K-tile of the N-tile; addresses only where ``words`` are read."""
        m = self.m
        last_tap_after, last_line_after = self.taps_left == 1, self.lines_left == 1
        m.d.sync += [
            self.taps_left.eq(self.taps_left - 1),
            self.last_tap.eq(last_tap_after),
            self.last_k.eq(last_tap_after & self.last_line & self.last_word),
        ]
        with m.If(self.last_tap):
            m.d.sync += [
                self.taps_left.eq(self.conv.extra_taps),
                self.last_tap.eq(self.one_tap),
                self.lines_left.eq(self.lines_left - 1),
                self.last_line.eq(last_line_after),
                self.last_k.eq(self.one_tap & last_line_after & self.last_word),
            ]
            with m.If(self.last_line):
                m.d.sync += [
                    self.lines_left.eq(self.conv.extra_lines),
                    self.last_line.eq(self.one_line),
                    self.k_left.eq(self.k_after),
                    self.last_word.eq(self.last_word_after),
                    self.last_k.eq(self.one_tap & self.one_line & self.last_word_after),
                    self.last_index.eq(self.last_index_after),
                    self.row_ends.eq(self.last_index_after == 0),
                ]
        if words:
            with m.If(self.keys):
                self.words.advance(1, self.outer)

    def next_n_tile(self, *, words: bool) -> None:
        """Go on to the first K-tile of the next N-tile."""
        m = self.m
        m.d.sync += [self.k_left.eq(self.conv.k), self.n_left.eq(self.n_after)]
        m.d.sync += [
            self.taps_left.eq(self.conv.extra_taps),
            self.lines_left.eq(self.conv.extra_lines),
            self.last_tap.eq(self.one_tap),
            self.last_line.eq(self.one_line),
            self.last_word.eq(self.one_word),
            self.last_k.eq(self.one_tap & self.one_line & self.one_word),
            self.last_n.eq(self.last_n_after),
        ]
        if words:
            self.words.move(2, self.next_n)
        m.d.sync += self.sub.eq(Mux(self._last_sub, 0, self.sub + 1))
