"""The stationary loader: tables, parameters, channel shifts and weights, one tile ahead of the streamer."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Prologue as Kind
from pointwise.hw.contract.stream import PLANES, SHIFT_BITS, TABLE_ENTRIES, table_lanes
from pointwise.hw.contract.timing import PARAMETER_BANKS, TABLE_BANKS

from .banked_address import act_address
from .credits import Credits
from .descriptor import LOADER
from .primitives import ceil_log2
from .sram import read_port
from .stationary_address import StationaryAddressGenerator
from .weight_distribution import distribute_shifts, distribute_tiles, unpack
from .writes import ParameterWrite, TableWrite, WeightLoad


class Loader(wiring.Component):
    """Walks the tiles of each convolution like the streamer, and fills what is stationary.

    A tile is loaded into the array's shadow weights as soon as the tile before it has started. Rows from DRAM
    and words of V are offered row by row right behind the swap wavefront, words of K column by column R
    cycles later. Everything for the array is delayed by ``latency``, as long as a token takes from its fetch
    to the array, so that the distances here are the distances there.

    Args:
        latency: cycles from the fetch of a token to its entry into the array.

    Ports:
        descriptor: convolutions in order.
        conv_done: completed convolutions, for wait_conv.
        dma_done: completed DMA instructions, for wait_dma.
        rows: the stationary stream (hw.contract.stream).
        flush: this row of the stream is the last one of a convolution.
        read: port of the activation SRAM, which is asked a cycle later, for K and V; must be granted at once.
        hold: no read in this cycle, in which somebody asks who cannot wait.
        tile_ready: the shadows hold the next tile.
        tile_next: they will in the next cycle, unless it is started in this one.
        started: its first token is fetched in this cycle.
        parameters: of an N-tile, a cycle after their row.
        tile_end: gives a bank of parameters back.
        exp: the table of exponentials, a cycle after its row.
        exp_end: gives a bank of it back.
        act: the table of an activation, a cycle after its row.
        act_end: gives a bank of it back.
        shifts: two sets of channel shifts, taken in turn by the tiles.
        weights: to the array, rows of streamed weights and of V, columns of K.

    Throughput: a row of the array a cycle, whatever the bits of a weight (``table_lanes`` entries of a table
    a cycle).
    """

    def __init__(self, config: CoreConfig, latency: int) -> None:
        self.config, self.latency = config, latency
        rows, cols = config.rows, config.cols
        super().__init__(
            {
                "descriptor": In(stream.Signature(LOADER)),
                "conv_done": In(16),
                "dma_done": In(16),
                "rows": In(stream.Signature(unsigned(8 * config.row_bytes))),
                "flush": Out(1),
                "read": Out(read_port(8 * rows, act_address(config))),
                "hold": In(1),
                "tile_ready": Out(1),
                "tile_next": Out(1),
                "started": In(1),
                "parameters": Out(ParameterWrite(cols)),
                "tile_end": In(1),
                "exp": Out(TableWrite(table_lanes(config))),
                "exp_end": In(1),
                "act": Out(TableWrite(table_lanes(config))),
                "act_end": In(1),
                "shifts": Out(data.ArrayLayout(data.ArrayLayout(unsigned(SHIFT_BITS), rows), 2)),
                "weights": Out(WeightLoad(rows, cols)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        rows, cols = config.rows, config.cols
        shift_rows = -(-rows // cols)

        conv = Signal(LOADER)
        walk = StationaryAddressGenerator(m, config, conv)
        lanes = table_lanes(config)
        steps, groups = TABLE_ENTRIES // lanes, cols // lanes
        step = Signal(range(steps))  # of a table
        group = Signal(ceil_log2(groups))  # of entries in a row
        plane = Signal(range(PLANES))
        plane_bank = Signal(range(PARAMETER_BANKS))
        loaded = Signal()
        # Cycles since the tile before started.
        age = Signal(range(rows + 1), init=rows)
        aged = Signal(init=1)

        parameters = Credits(m, PARAMETER_BANKS, self.tile_end, name="parameter")
        exponentials = Credits(m, TABLE_BANKS, self.exp_end, name="exponential")
        activations = Credits(m, TABLE_BANKS, self.act_end, name="activation")

        # The parameters of an N-tile take so long that this knows of the convolution before it is asked.
        depends = Signal()
        m.d.sync += depends.eq((self.conv_done >= conv.wait_conv) & (self.dma_done >= conv.wait_dma))
        row_load = Signal()
        word_load = Signal()
        shift_load = Signal()
        shifts_wait = Signal()  # for the tile before to start
        shifts_use = Signal()
        completes = Signal()  # the tile in the shadows, with what goes there in this cycle
        m.d.comb += [self.tile_ready.eq(loaded), self.tile_next.eq(loaded | completes)]
        with m.If(completes):
            m.d.sync += loaded.eq(1)
        # Tables and parameters have far to go.
        plane_take, exp_take, act_take = (Signal(name=f"{n}_take") for n in ("plane", "exp", "act"))
        m.d.sync += [
            self.exp.write.eq(exp_take),
            self.act.write.eq(act_take),
            self.exp.index.eq(step),
            self.exp.data.as_value().eq(self.rows.payload.word_select(group, 8 * lanes)),
            self.parameters.write.eq(plane_take),
            self.parameters.plane.eq(plane),
            self.parameters.bank.eq(plane_bank),
            self.parameters.data.as_value().eq(self.rows.payload),
        ]
        # Both tables see the same entries.
        m.d.comb += [self.act.index.eq(self.exp.index), self.act.data.eq(self.exp.data)]
        reads = Signal()  # words may be read, for a tile that is not loaded yet
        becomes_aged = Signal()
        m.d.comb += becomes_aged.eq(Mux(self.started, rows == 1, aged | (age == rows - 1)))
        m.d.sync += [aged.eq(becomes_aged), reads.eq(depends & (~walk.keys | becomes_aged))]
        with m.If(self.started):
            m.d.sync += [loaded.eq(0), age.eq(1)]
        with m.Elif(~aged):
            m.d.sync += age.eq(age + 1)

        walk.ask(self.read, word_load)

        def begin_tile() -> None:
            m.next = "WORDS"
            with m.If(walk.streamed):
                m.next = "ROWS"
            with m.If(conv.shifts):
                m.next = "SHIFTS"

        def next_tile(*, words: bool) -> None:
            walk.end_tile()
            with m.If(~walk.last_k):
                walk.next_k_tile(words=words)
                begin_tile()
            with m.Else():
                walk.next_n_tile(words=words)
                m.next = "PLANES"
                with m.If(walk.last_n):
                    m.next = "IDLE"

        m.d.comb += shifts_use.eq(shifts_wait & ~loaded)
        m.d.sync += shifts_wait.eq(shifts_wait & loaded)
        last_step = Signal()  # of the table
        last_group = Signal()  # of the row, or of the table
        with m.FSM() as fsm:
            # READY goes far; it is written such that few gates are in its way.
            filling = (fsm.ongoing("EXPONENTIAL") & exponentials.available) | (
                fsm.ongoing("ACTIVATION") & activations.available
            )
            to_array = fsm.ongoing("ROWS") & walk.consumed & ~loaded
            m.d.comb += self.rows.ready.eq(
                (filling & last_group)
                | (fsm.ongoing("PLANES") & parameters.available)
                | fsm.ongoing("SHIFTS")
                | to_array
            )
            with m.State("IDLE"):
                start = self.descriptor.payload
                m.d.comb += self.descriptor.ready.eq(1)
                m.d.sync += conv.eq(start)
                walk.start(start)
                m.d.sync += [
                    step.eq(0),
                    last_step.eq(0),
                    group.eq(0),
                    last_group.eq(groups == 1),
                    plane.eq(0),
                ]
                walk.start_words(start.stat_base)
                with m.If(self.descriptor.valid):
                    m.next = "PLANES"
                    with m.If(start.prologue == Kind.EXPONENTIAL):
                        m.next = "EXPONENTIAL"
                    with m.Elif(start.table):
                        m.next = "ACTIVATION"

            for state, credits, take, bank in (
                ("EXPONENTIAL", exponentials, exp_take, self.exp.bank),
                ("ACTIVATION", activations, act_take, self.act.bank),
            ):
                next_bank = Signal(name=f"{state.lower()}_bank")
                m.d.sync += bank.eq(next_bank)
                with m.State(state):
                    m.d.comb += take.eq(credits.available & self.rows.valid)
                    ends_next = step == steps - 2
                    with m.If(take):
                        m.d.sync += [
                            step.eq(step + 1),
                            last_step.eq(ends_next),
                            group.eq(group + 1),
                            last_group.eq(ends_next | (group == groups - 2)),
                        ]
                        with m.If(last_group):
                            m.d.sync += [group.eq(0), last_group.eq(ends_next | (groups == 1))]
                        with m.If(last_step):
                            m.d.comb += credits.take.eq(1)
                            m.d.sync += next_bank.eq(~next_bank)
                            m.next = "PLANES"
                            if state == "EXPONENTIAL":
                                with m.If(conv.table):
                                    m.next = "ACTIVATION"

            with m.State("PLANES"):
                last_plane = plane == PLANES - 1
                m.d.comb += [
                    plane_take.eq(parameters.available & self.rows.valid),
                    self.flush.eq(last_plane & walk.last_n & walk.bare),
                ]
                walk.first_row()
                with m.If(plane_take):
                    m.d.sync += plane.eq(plane + 1)
                    with m.If(last_plane):
                        m.d.comb += parameters.take.eq(1)
                        m.d.sync += plane_bank.eq(plane_bank + 1)
                        begin_tile()

            with m.State("SHIFTS"):
                last_shifts = walk.index == shift_rows - 1
                m.d.comb += [
                    self.flush.eq(last_shifts & walk.last_k & walk.last_n & ~walk.streamed),
                    shift_load.eq(self.rows.valid),
                ]
                with m.If(shift_load):
                    m.d.sync += walk.index.eq(walk.index + 1)
                    with m.If(last_shifts):
                        m.d.sync += shifts_wait.eq(1)
                        walk.to_row(0)
                        m.next = "WORDS"
                        with m.If(walk.streamed):
                            m.next = "ROWS"

            with m.State("ROWS"):
                m.d.comb += [
                    self.flush.eq(walk.last_row & walk.last_k & walk.last_n),
                    row_load.eq(self.rows.valid & ~loaded),
                ]
                with m.If(row_load):
                    walk.next_row()
                    with m.If(walk.last_row):
                        m.d.comb += completes.eq(1)
                        next_tile(words=False)

            with m.State("WORDS"):
                m.d.comb += word_load.eq(~loaded & reads & ~self.hold)
                with m.If(word_load):
                    walk.next_word()
                    with m.If(walk.words_end):
                        m.next = "NEXT"

            # A cycle of its own: the address of the last word has to be complete, and its request is there a
            # cycle later than a row.
            with m.State("NEXT"):
                m.d.comb += completes.eq(1)
                next_tile(words=True)

        distribute_shifts(m, self, shift_load, shifts_use, walk)
        weights = unpack(m, self.rows.payload[: 8 * cols], conv.packing, walk)
        distribute_tiles(m, self, weights, row_load, word_load & walk.keys, word_load & ~walk.keys, walk)
        return m
