"""The two data paths of the DMA engine: beats into words of a memory, and words of a memory into beats."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from pointwise.hw.bus.gearbox import InputWidthConverter, OutputWidthConverter
from pointwise.hw.bus.slice import RegisterSlice
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Space
from pointwise.hw.contract.timing import READ_LATENCY
from pointwise.hw.engine.banked_address import act_address, res_address
from pointwise.hw.engine.credits import Credits
from pointwise.hw.engine.primitives import delay
from pointwise.hw.engine.sram import read_port, write_port


def lane_bits(space: Space) -> int:
    """Bits of a lane in a memory."""
    return 16 if space is Space.RESIDUAL else 8


def word_bytes(config: CoreConfig, space: Space) -> int:
    """Bytes of a word of a memory as it lies in DRAM, a power of two."""
    return config.res_word_bytes if space is Space.RESIDUAL else config.act_word_bytes


class BlockWord(data.StructLayout):
    """A word of a block: where it lies in either memory, and whether it ends its row."""

    def __init__(self, config: CoreConfig) -> None:
        super().__init__({"act": act_address(config), "res": res_address(config), "row_end": unsigned(1)})


class LoadPath(wiring.Component):
    """Writes the words that lie packed in beats; every row starts with a beat of its own.

    Ports:
        space: the memory that is meant; changes only between blocks.
        sweep: write every word to both memories, whatever it holds; no beats are taken.
        words: where the words go.
        beats: from DRAM.
        act_write: port of the activation SRAM.
        res_write: port of the residual SRAM.
        row_written: the last word of a row is written in this cycle.
        idle: no word is in here.

    Latency: three cycles from a beat to its word. Throughput: a beat or a word a cycle, whichever is the
    smaller; what nobody wants of a row's last beat takes no time.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__(
            {
                "space": In(1),
                "sweep": In(1),
                "words": In(stream.Signature(BlockWord(config))),
                "beats": In(stream.Signature(config.axi_data_width)),
                "act_write": Out(write_port(config.rows * 8, config.rows, act_address(config))),
                "res_write": Out(write_port(config.rows * 16, config.rows, res_address(config))),
                "row_written": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        m.d.comb += self.idle.eq(~self.act_write.valid & ~self.res_write.valid)
        # That a memory is busy must not reach back to the FIFO of the reader.
        m.submodules.beats = beats = RegisterSlice(config.axi_data_width)
        wiring.connect(m, wiring.flipped(self.beats), beats.i)
        for space, port, field in (
            (Space.ACTIVATION, self.act_write, "act"),
            (Space.RESIDUAL, self.res_write, "res"),
        ):
            name = space.name.lower()
            word_bits = 8 * word_bytes(config, space)
            m.submodules[name] = unpacker = InputWidthConverter(config.axi_data_width, word_bits)
            word = data.StructLayout(
                {"place": port.place.shape(), "row_end": unsigned(1), "data": unsigned(len(port.data))}
            )
            m.submodules[f"{name}_slice"] = held = RegisterSlice(word)
            m.d.comb += [
                unpacker.beats.p.data.eq(beats.o.payload),
                unpacker.flush.eq(self.words.p.row_end),
                held.i.p.place.eq(self.words.p[field]),
                held.i.p.row_end.eq(self.words.p.row_end),
                held.i.p.data.eq(unpacker.items.p.data),
                held.i.valid.eq((unpacker.items.valid | self.sweep) & self.words.valid),
                unpacker.items.ready.eq(self.words.valid & held.i.ready),
                port.place.eq(held.o.p.place),
                port.data.eq(held.o.p.data),
                port.mask.eq((1 << config.rows) - 1),
                port.valid.eq(held.o.valid),
                held.o.ready.eq(port.ready),
            ]
            with m.If(port.valid & port.ready & held.o.p.row_end):
                m.d.comb += self.row_written.eq(1)
            with m.If(self.space == space):
                m.d.comb += [
                    unpacker.beats.valid.eq(beats.o.valid),
                    beats.o.ready.eq(unpacker.beats.ready),
                    self.words.ready.eq(unpacker.items.valid & held.i.ready),
                ]
        # Nobody else is at work then, so that the memories are always ready.
        with m.If(self.sweep):
            m.d.comb += self.words.ready.eq(1)
        return m


class StorePath(wiring.Component):
    """Reads words and packs them into beats; every row starts a beat, and zeros fill its last.

    Ports:
        space: the memory that is meant; changes only while idle.
        words: what to read.
        beats: towards DRAM.
        act_read: port of the activation SRAM.
        res_read: port of the residual SRAM.
        idle: no word or beat is in here.

    Latency: READ_LATENCY + 3 cycles from a word to its beat. Throughput: a beat or a word a cycle, whichever
    is the smaller.
    """

    DEPTH = 8
    """Words that may be under way: READ_LATENCY and the three cycles through the FIFO and back, and some."""

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__(
            {
                "space": In(1),
                "words": In(stream.Signature(BlockWord(config))),
                "beats": Out(stream.Signature(config.axi_data_width)),
                "act_read": Out(read_port(config.rows * 8, act_address(config))),
                "res_read": Out(read_port(config.rows * 16, res_address(config))),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        widest = 16 * config.rows
        # One more than the depth: the output register of the FIFO must not count as room.
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=widest + 1, depth=self.DEPTH + 1)
        granted = Signal()
        left = Signal()
        room = Credits(m, self.DEPTH, left, name="room")
        m.d.comb += [
            granted.eq(self.words.valid & self.words.ready),
            room.take.eq(granted),
            left.eq(fifo.r_stream.valid & fifo.r_stream.ready),
        ]
        arrived = delay(m, granted, READ_LATENCY, name="arrived", reset_less=False)
        row_end = delay(m, self.words.p.row_end, READ_LATENCY, name="row_end")

        offered = Signal()
        m.d.comb += [
            fifo.w_stream.valid.eq(arrived),
            self.idle.eq((room.free == self.DEPTH) & ~offered),
            self.beats.valid.eq(offered),
        ]
        for space, port, field in (
            (Space.RESIDUAL, self.res_read, "res"),
            (Space.ACTIVATION, self.act_read, "act"),
        ):
            packer = OutputWidthConverter(8 * word_bytes(config, space), config.axi_data_width)
            m.submodules[space.name.lower()] = packer
            bits = lane_bits(space) * config.rows
            m.d.comb += [
                port.place.eq(self.words.p[field]),
                packer.items.p.data.eq(fifo.r_stream.payload[:bits]),
                packer.items.p.last.eq(fifo.r_stream.payload[widest]),
            ]
            # Bits that only the wider words have are not looked at in others, so that they need no choice.
            with m.If((self.space == space) | (bits == widest)):
                m.d.comb += fifo.w_stream.payload[:bits].eq(port.data)
            with m.If(self.space == space):
                m.d.comb += [
                    port.valid.eq(self.words.valid & room.available),
                    self.words.ready.eq(port.ready & room.available),
                    packer.items.valid.eq(fifo.r_stream.valid),
                    fifo.r_stream.ready.eq(packer.items.ready),
                    self.beats.payload.eq(packer.beats.payload),
                    offered.eq(packer.beats.valid),
                    packer.beats.ready.eq(self.beats.ready),
                ]
        m.d.comb += fifo.w_stream.payload[widest].eq(row_end)
        return m
