"""Checks the memory image: header against this core, and the checksum of the whole."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.crc import catalog
from amaranth.lib.wiring import In, Out

from hw.bus.axi import BEATS_BITS, TransferLayout
from hw.bus.gearbox import Unpacker
from hw.contract.config import CoreConfig
from hw.contract.image import ALIGNMENT, HEADER_BYTES, MAGIC, TRAILER_BYTES, VERSION, shape_word
from hw.contract.registers import Error

from .program import ERROR_BITS

SMALLEST_IMAGE = HEADER_BYTES + ALIGNMENT + TRAILER_BYTES
"""Header, one instruction, trailer."""
CRC32 = catalog.CRC32_ISO_HDLC
"""The checksum that zlib calls crc32."""
HEADER_WORDS = HEADER_BYTES // 4


class ImageChecker(wiring.Component):
    """Reads the header of the image, and the whole image unless that was done before, and judges them.

    Args:
        config: what the image is compared with.

    Ports:
        start: begin; the inputs below must stay as they are until ``done``.
        image_base, image_bytes: where the image lies and how long it is said to be.
        checked: trust the checksum, read the header alone.
        transfers, beats: to and from this client's ports of ``AxiReader``.
        busy: from ``start`` to ``done``. done: high for a cycle at the end.
        error: the first thing that is wrong, in the order of the header, then the checksum, or Error.NONE. It
            and program_offset, program_length stay until the next ``start``.

    Latency: about twenty cycles and the header's, then a beat a cycle.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "image_base": In(config.axi_addr_width),
                "image_bytes": In(32),
                "checked": In(1),
                "transfers": Out(stream.Signature(TransferLayout(config.axi_addr_width))),
                "beats": In(stream.Signature(config.axi_data_width)),
                "busy": Out(1),
                "done": Out(1),
                "error": Out(ERROR_BITS),
                "program_offset": Out(32),
                "program_length": Out(32),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        bus_bytes = config.bus_bytes
        m.submodules.words = words = Unpacker(config.axi_data_width, 32)
        m.submodules.crc = crc = CRC32(data_width=config.axi_data_width).create()
        m.d.comb += [
            words.beats.p.data.eq(self.beats.payload),
            words.beats.p.last.eq(1),
            self.transfers.p.address.eq(self.image_base),
        ]

        length = Signal(32)
        index = Signal(range(HEADER_WORDS))
        program_end = Signal(33)  # in units of 64 bytes
        inside = Signal()
        # Registers: the words that this is about are far from the end of the header.
        m.d.sync += [
            program_end.eq((self.program_offset >> 6) + self.program_length),
            inside.eq(
                (self.program_offset[:6] == 0)
                & (self.program_offset >= HEADER_BYTES)
                & (self.program_length != 0)
                & (program_end < length >> 6)  # the trailer is the last unit
            ),
        ]
        found = Signal(ERROR_BITS)  # to be wrong with the word before
        m.d.sync += found.eq(Error.NONE)

        # Beats of the image by their place: the body, the trailer's first, and the rest of that.
        beat, valid = Signal(config.axi_data_width, reset_less=True), Signal()
        body, trailer = Signal(BEATS_BITS), Signal(range(TRAILER_BYTES // bus_bytes + 1))
        m.d.comb += crc.data.eq(beat)
        m.d.sync += valid.eq(0)

        with m.FSM() as fsm:
            m.d.comb += self.busy.eq(~fsm.ongoing("IDLE"))
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += [self.error.eq(Error.NONE), index.eq(0)]
                    m.next = "ASK HEADER"
            with m.State("ASK HEADER"):
                m.d.comb += [self.transfers.valid.eq(1), self.transfers.p.beats.eq(HEADER_BYTES // bus_bytes)]
                with m.If(self.transfers.ready):
                    m.next = "HEADER"
            with m.State("HEADER"):
                m.d.comb += [
                    words.beats.valid.eq(self.beats.valid),
                    self.beats.ready.eq(words.beats.ready),
                    words.items.ready.eq(1),
                ]
                word = words.items.p.data
                expected = {
                    0: (word == MAGIC, Error.MAGIC),
                    1: (word == VERSION, Error.VERSION),
                    2: (word == shape_word(config), Error.SHAPE),
                    3: (
                        (word == self.image_bytes) & (word[:6] == 0) & (word >= SMALLEST_IMAGE),
                        Error.LENGTH,
                    ),
                    6: (word <= config.max_tokens, Error.MEMORY),
                    7: (word <= config.act_words, Error.MEMORY),
                    8: (word <= config.res_words, Error.MEMORY),
                }
                with m.If((found != Error.NONE) & (self.error == Error.NONE)):
                    m.d.sync += self.error.eq(found)
                with m.If(words.items.valid):
                    m.d.sync += index.eq(index + 1)
                    with m.Switch(index):
                        for place, (good, error) in expected.items():
                            with m.Case(place):
                                with m.If(~good):
                                    m.d.sync += found.eq(error)
                                if place == 3:
                                    m.d.sync += length.eq(word)
                        with m.Case(4):
                            m.d.sync += self.program_offset.eq(word)
                        with m.Case(5):
                            m.d.sync += self.program_length.eq(word)
                        with m.Case(HEADER_WORDS - 1):
                            m.next = "JUDGE"
            with m.State("JUDGE"):
                m.d.sync += [
                    body.eq((length - TRAILER_BYTES) >> (bus_bytes.bit_length() - 1)),
                    trailer.eq(TRAILER_BYTES // bus_bytes),
                ]
                with m.If(self.error != Error.NONE):
                    m.next = "DONE"
                with m.Elif(~inside):
                    m.d.sync += self.error.eq(Error.LENGTH)
                    m.next = "DONE"
                with m.Elif(self.checked):
                    m.next = "DONE"
                with m.Else():
                    m.next = "ASK IMAGE"
            with m.State("ASK IMAGE"):
                m.d.comb += [
                    crc.start.eq(1),
                    self.transfers.valid.eq(1),
                    self.transfers.p.beats.eq(length >> (bus_bytes.bit_length() - 1)),
                ]
                with m.If(self.transfers.ready):
                    m.next = "BODY"
            with m.State("BODY"):
                m.d.comb += [self.beats.ready.eq(1), crc.valid.eq(valid)]
                with m.If(self.beats.valid):
                    m.d.sync += [beat.eq(self.beats.payload), valid.eq(1), body.eq(body - 1)]
                    with m.If(body == 1):
                        m.next = "LAST"
            with m.State("LAST"):
                m.d.comb += crc.valid.eq(valid)
                m.next = "TRAILER"
            with m.State("TRAILER"):
                m.d.comb += self.beats.ready.eq(1)
                with m.If(self.beats.valid):
                    m.d.sync += trailer.eq(trailer - 1)
                    with m.If(trailer == TRAILER_BYTES // bus_bytes):
                        m.d.sync += beat.eq(self.beats.payload)
                    with m.If(trailer == 1):
                        m.next = "COMPARE"
            with m.State("COMPARE"):
                with m.If(beat[:32] != crc.crc):
                    m.d.sync += self.error.eq(Error.CHECKSUM)
                m.next = "DONE"
            with m.State("DONE"):
                m.d.comb += self.done.eq(1)
                m.next = "IDLE"
        return m
