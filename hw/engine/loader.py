"""The stationary loader: tables, parameters, channel shifts and weights, one tile ahead of the streamer."""

from amaranth.hdl import Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.contract.config import CoreConfig
from hw.contract.isa import Prologue as Kind
from hw.contract.isa import Stationary
from hw.contract.stream import PLANES, SHIFT_BITS, TABLE_ENTRIES

from .cells import bits_for
from .credits import Credits
from .delivery import PACKED_BITS, deliver_shifts, deliver_tiles, unpack
from .descriptor import LOADER
from .places import ADDRESS_BITS, act_places
from .requantise import PARAMETER_BANKS
from .sram import read_port
from .table import TABLE_BANKS


class Loader(wiring.Component):
    """Walks the tiles of each convolution like the streamer, and fills what is stationary.

    A tile is loaded into the array's shadow weights as soon as the tile before it has started. Rows from DRAM
    and words of V are offered row by row right behind the swap wavefront, words of K column by column R
    cycles later. Everything for the array is delayed by ``latency``, as long as a token takes from its fetch
    to the array, so that the distances here are the distances there.

    Args:
        latency: cycles from the fetch of a token to its entry into the array.

    Ports:
        descriptor: convolutions in order. conv_done, dma_done: counts, for wait_conv and wait_dma.
        rows, flush: the stationary stream (hw.contract.stream); flush marks the last row of a convolution.
        read: port of the activation SRAM, for K and V, which must be granted at once (highest priority).
        tile_ready: the shadows hold the next tile. started: its first token is fetched in this cycle.
        plane_*, exp_*, act_*: writes to parameters and tables, a cycle after their row; tile_end, exp_end,
            act_end give banks back.
        shifts: two sets of channel shifts, taken in turn by the tiles.
        row_*, column_*: to the array.

    Throughput: a row of the array a cycle, whatever the bits of a weight (a table entry a cycle).
    """

    def __init__(self, config: CoreConfig, latency: int) -> None:
        self.config, self.latency = config, latency
        rows, cols = config.rows, config.cols
        table = {"write": Out(1), "bank": Out(1)}
        super().__init__(
            {
                "descriptor": In(stream.Signature(LOADER)),
                "conv_done": In(16),
                "dma_done": In(16),
                "rows": In(stream.Signature(unsigned(8 * config.row_bytes))),
                "flush": Out(1),
                "read": Out(read_port(8 * rows, act_places(config))),
                "tile_ready": Out(1),
                "started": In(1),
                "plane_write": Out(1),
                "plane_bank": Out(range(PARAMETER_BANKS)),
                "plane": Out(range(PLANES)),
                "plane_data": Out(data.ArrayLayout(unsigned(8), cols)),
                "tile_end": In(1),
                **{f"exp_{name}": member for name, member in table.items()},
                "exp_end": In(1),
                **{f"act_{name}": member for name, member in table.items()},
                "act_end": In(1),
                "table_index": Out(8),
                "table_data": Out(8),
                "shifts": Out(data.ArrayLayout(data.ArrayLayout(unsigned(SHIFT_BITS), rows), 2)),
                "row_load": Out(1),
                "row_index": Out(unsigned(bits_for(rows))),
                "row_mask": Out(unsigned(cols)),
                "row_data": Out(data.ArrayLayout(signed(8), cols)),
                "column_load": Out(1),
                "column_index": Out(unsigned(bits_for(cols))),
                "column_data": Out(data.ArrayLayout(signed(8), rows)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        rows, cols = config.rows, config.cols
        words_per_row, rows_per_word = max(1, cols // rows), max(1, rows // cols)
        shift_rows = -(-rows // cols)

        conv = Signal(LOADER)
        k_left = Signal(13)
        n_left = Signal(13)
        entry = Signal(range(TABLE_ENTRIES))
        byte = Signal(bits_for(cols))
        plane = Signal(range(PLANES))
        plane_bank = Signal(range(PARAMETER_BANKS))
        index = Signal(bits_for(max(rows, cols)))  # row or column of the tile
        part = Signal(bits_for(words_per_row))  # word of a row of V
        sub = Signal(bits_for(rows_per_word))  # part of a word of V that is the row
        parity = Signal()
        loaded = Signal()
        # Cycles since the tile before started.
        age = Signal(range(rows + 1), init=rows)
        aged = Signal(init=1)
        last_k = Signal()
        last_n = Signal()
        one_k = Signal()
        keys = Signal()
        streamed = Signal()
        bare = Signal()  # a tile takes no rows of the stream

        # What the walk needs next is compared a cycle or two before it is there.
        # Left in the next tile.
        k_after = Signal(13)
        n_after = Signal(13)
        last_k_after = Signal()
        last_n_after = Signal()
        last_index, last_index_after, last_column_index = (
            Signal.like(index, name=n) for n in ("last_index", "last_index_after", "last_column_index")
        )  # of rows in this K-tile and the next; of columns
        m.d.sync += [
            k_after.eq(k_left - rows),
            last_k_after.eq(k_left <= 2 * rows),
            last_index_after.eq(Mux(last_k_after, k_after, rows) - 1),
            n_after.eq(n_left - cols),
            last_n_after.eq(n_left <= 2 * cols),
            last_column_index.eq(Mux(last_n, n_left, cols) - 1),
        ]

        parameters = Credits(m, PARAMETER_BANKS, self.tile_end, name="parameter")
        exponentials = Credits(m, TABLE_BANKS, self.exp_end, name="exponential")
        activations = Credits(m, TABLE_BANKS, self.act_end, name="activation")

        # The parameters of an N-tile take so long that this knows of the convolution before it is asked.
        depends = Signal()
        m.d.sync += depends.eq((self.conv_done >= conv.wait_conv) & (self.dma_done >= conv.wait_dma))
        row_load = Signal()
        word_load = Signal()
        shift_load = Signal()
        m.d.comb += self.tile_ready.eq(loaded)
        # Tables and parameters have far to go.
        plane_take, exp_take, act_take = (Signal(name=f"{n}_take") for n in ("plane", "exp", "act"))
        m.d.sync += [
            self.exp_write.eq(exp_take),
            self.act_write.eq(act_take),
            self.table_index.eq(entry),
            self.table_data.eq(self.rows.payload.word_select(byte, 8)),
            self.plane_write.eq(plane_take),
            self.plane.eq(plane),
            self.plane_bank.eq(plane_bank),
            self.plane_data.as_value().eq(self.rows.payload),
        ]
        reads = Signal()  # words may be read, for a tile that is not loaded yet
        becomes_aged = Signal()
        m.d.comb += becomes_aged.eq(Mux(self.started, rows == 1, aged | (age == rows - 1)))
        m.d.sync += [aged.eq(becomes_aged), reads.eq(depends & (~keys | becomes_aged))]
        with m.If(self.started):
            m.d.sync += [loaded.eq(0), age.eq(1)]
        with m.Elif(~aged):
            m.d.sync += age.eq(age + 1)

        # Where K and V lie. A tile starts at tile_base: K walks over tokens from there, V over tokens and
        # words.
        address, row_address, tile_base = (
            Signal(ADDRESS_BITS, name=n) for n in ("address", "row_address", "tile_base")
        )
        key_offset = Signal(ADDRESS_BITS)
        m.d.sync += [
            self.read.valid.eq(word_load),
            self.read.place.eq(act_places(config).locate(m, address, "read")),
        ]

        # Of the row of the array that comes: whether it is the last one, and whether its row of the stream is
        # done with then. Packed weights stay on offer for all the rows of the array that are in them.
        last_row = Signal()
        consumed = Signal(init=1)
        places = Signal(PACKED_BITS)  # of the last weight in a byte

        # The same of the words of a tile.
        row_ends = Signal()
        column_ends = Signal()

        def to_row(number: Value | int) -> None:
            last = number == rows - 1
            place = Value.cast(number)[:PACKED_BITS]
            m.d.sync += [
                index.eq(number),
                row_ends.eq(last_index == number),
                column_ends.eq(last_column_index == number),
                last_row.eq(last),
                consumed.eq(((~place & places) == 0) | last),
            ]

        def begin_tile() -> None:
            m.next = "WORDS"
            with m.If(streamed):
                m.next = "ROWS"
            with m.If(conv.shifts):
                m.next = "SHIFTS"

        # K: the next words of the same tokens. V: the next words of the same tokens, for the next columns.
        next_words = Signal(ADDRESS_BITS)
        beside = Signal(ADDRESS_BITS)
        m.d.sync += [
            next_words.eq(tile_base + key_offset + conv.stat_word_stride),
            beside.eq(tile_base + Mux(sub == rows_per_word - 1, conv.stat_word_stride * words_per_row, 0)),
        ]

        def next_tile(*, words: bool) -> None:
            """Go on to the next tile; addresses only where words are read."""
            to_row(0)
            m.d.sync += [part.eq(0), parity.eq(~parity)]
            with m.If(~last_k):
                m.d.sync += [k_left.eq(k_after), last_k.eq(last_k_after)]
                m.d.sync += [last_index.eq(last_index_after), row_ends.eq(last_index_after == 0)]
                if words:
                    m.d.sync += key_offset.eq(key_offset + conv.stat_word_stride)
                    with m.If(keys):
                        m.d.sync += address.eq(next_words)
                begin_tile()
            with m.Else():
                m.d.sync += [k_left.eq(conv.k), n_left.eq(n_after)]
                m.d.sync += [last_k.eq(one_k), last_n.eq(last_n_after)]
                if words:
                    # K goes on with the tokens after the ones just read.
                    following = Mux(keys, address - key_offset, beside)[:ADDRESS_BITS]
                    m.d.sync += [signal.eq(following) for signal in (address, row_address, tile_base)]
                    m.d.sync += [key_offset.eq(0), sub.eq(Mux(sub == rows_per_word - 1, 0, sub + 1))]
                m.next = "PLANES"
                with m.If(last_n):
                    m.next = "IDLE"

        last_entry = Signal()  # of the table
        last_byte = Signal()  # of the row, or of the table
        with m.FSM() as fsm:
            # READY goes far; it is written such that few gates are in its way.
            filling = (fsm.ongoing("EXPONENTIAL") & exponentials.some) | (
                fsm.ongoing("ACTIVATION") & activations.some
            )
            to_array = fsm.ongoing("SHIFTS") | (fsm.ongoing("ROWS") & consumed)
            m.d.comb += self.rows.ready.eq(
                (filling & last_byte) | (fsm.ongoing("PLANES") & parameters.some) | (to_array & ~loaded)
            )
            with m.State("IDLE"):
                start = self.descriptor.payload
                m.d.comb += self.descriptor.ready.eq(1)
                m.d.sync += [conv.eq(start), n_left.eq(start.n), k_left.eq(start.k)]
                m.d.sync += [signal.eq(start.k <= rows) for signal in (last_k, one_k)]
                m.d.sync += [
                    last_n.eq(start.n <= cols),
                    keys.eq(start.stationary == Stationary.KEYS),
                    streamed.eq(start.stationary == Stationary.STREAM),
                    bare.eq((start.stationary != Stationary.STREAM) & ~start.shifts),
                    places.eq((1 << start.packing) - 1),
                    consumed.eq(1),
                    entry.eq(0),
                    last_entry.eq(0),
                    byte.eq(0),
                    last_byte.eq(cols == 1),
                    plane.eq(0),
                    part.eq(0),
                    sub.eq(0),
                    key_offset.eq(0),
                ]
                m.d.sync += [signal.eq(start.stat_base) for signal in (address, row_address, tile_base)]
                with m.If(self.descriptor.valid):
                    m.next = "PLANES"
                    with m.If(start.prologue == Kind.EXPONENTIAL):
                        m.next = "EXPONENTIAL"
                    with m.Elif(start.table):
                        m.next = "ACTIVATION"

            for state, credits, take, bank in (
                ("EXPONENTIAL", exponentials, exp_take, self.exp_bank),
                ("ACTIVATION", activations, act_take, self.act_bank),
            ):
                next_bank = Signal(name=f"{state.lower()}_bank")
                m.d.sync += bank.eq(next_bank)
                with m.State(state):
                    m.d.comb += take.eq(credits.some & self.rows.valid)
                    ends_next = entry == TABLE_ENTRIES - 2
                    with m.If(take):
                        m.d.sync += [
                            entry.eq(entry + 1),
                            last_entry.eq(ends_next),
                            byte.eq(byte + 1),
                            last_byte.eq(ends_next | (byte == cols - 2)),
                        ]
                        with m.If(last_byte):
                            m.d.sync += [byte.eq(0), last_byte.eq(ends_next | (cols == 1))]
                        with m.If(last_entry):
                            m.d.comb += credits.take.eq(1)
                            m.d.sync += next_bank.eq(~next_bank)
                            m.next = "PLANES"
                            if state == "EXPONENTIAL":
                                with m.If(conv.table):
                                    m.next = "ACTIVATION"

            with m.State("PLANES"):
                last_plane = plane == PLANES - 1
                m.d.comb += [
                    plane_take.eq(parameters.some & self.rows.valid),
                    self.flush.eq(last_plane & last_n & bare),
                ]
                to_row(0)
                m.d.sync += last_index.eq(Mux(last_k, k_left, rows) - 1)
                with m.If(plane_take):
                    m.d.sync += plane.eq(plane + 1)
                    with m.If(last_plane):
                        m.d.comb += parameters.take.eq(1)
                        m.d.sync += plane_bank.eq(plane_bank + 1)
                        begin_tile()

            with m.State("SHIFTS"):
                last_shifts = index == shift_rows - 1
                m.d.comb += [
                    self.flush.eq(last_shifts & last_k & last_n & ~streamed),
                    shift_load.eq(self.rows.valid & ~loaded),
                ]
                with m.If(shift_load):
                    m.d.sync += index.eq(index + 1)
                    with m.If(last_shifts):
                        to_row(0)
                        m.next = "WORDS"
                        with m.If(streamed):
                            m.next = "ROWS"

            with m.State("ROWS"):
                m.d.comb += [
                    self.flush.eq(last_row & last_k & last_n),
                    row_load.eq(self.rows.valid & ~loaded),
                ]
                with m.If(row_load):
                    to_row((index + 1)[: len(index)])
                    with m.If(last_row):
                        m.d.sync += loaded.eq(1)
                        next_tile(words=False)

            with m.State("WORDS"):
                m.d.comb += word_load.eq(~loaded & reads)
                last_part = part == words_per_row - 1
                with m.If(word_load):
                    next_row = row_address + conv.stat_token_stride
                    with m.If(keys):
                        to_row((index + 1)[: len(index)])
                        m.d.sync += address.eq(address + conv.stat_token_stride)
                    with m.Elif(last_part):
                        to_row((index + 1)[: len(index)])
                        m.d.sync += [part.eq(0), row_address.eq(next_row), address.eq(next_row)]
                    with m.Else():
                        m.d.sync += [part.eq(part + 1), address.eq(address + conv.stat_word_stride)]
                    with m.If(Mux(keys, column_ends, row_ends & last_part)):
                        m.next = "NEXT"

            # A cycle of its own: the address of the last word has to be complete, and its request is there a
            # cycle later than a row.
            with m.State("NEXT"):
                m.d.sync += loaded.eq(1)
                next_tile(words=True)

        deliver_shifts(m, self, shift_load, index, parity)
        weights = unpack(m, self.rows.payload[: 8 * cols], conv.packing, index)
        deliver_tiles(m, self, weights, row_load, word_load & keys, word_load & ~keys, index, part, sub)
        return m
