"""Checks the memory image: header against this core, and the checksum of the whole."""

from typing import Any

from amaranth.hdl import Cat, Module, ResetInserter, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.crc import catalog
from amaranth.lib.wiring import In, Out

from pointwise.hw.bus.window import BEATS_BITS, TransferLayout
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.image import HEADER_BYTES, HEADER_WORDS, TRAILER_BYTES, header_bounds
from pointwise.hw.contract.isa import Base
from pointwise.hw.contract.legal import HEADER_RULES, INSTRUCTION_UNITS, UNIT
from pointwise.hw.contract.registers import Error

from .program import ERROR_BITS

UNIT_BITS = UNIT.bit_length() - 1
CRC32 = catalog.CRC32_ISO_HDLC
"""The checksum that zlib calls crc32."""
SETTLE_CYCLES = 3
"""From the last beat of the header until it is judged: a sum, two comparisons and their conclusion."""


class ImageChecker(wiring.Component):
    """Reads the header of the image, and the whole image unless that was done before, and judges them.

    Args:
        config: what the image is compared with.

    Ports:
        start: begin; the next two inputs must stay as they are until ``done``.
        image_bytes: how long the image is said to be.
        checked: trust the checksum, read the header alone.
        transfers: to this client's port of ``AxiReader``.
        beats: from it.
        busy: from ``start`` to ``done``.
        done: high for a cycle at the end.
        error: the first thing that is wrong, in the order of the header, then the checksum, or Error.NONE. It
            and the next two stay until the next ``start``.
        program_offset: byte of the image where the program begins.
        program_length: its instructions.

    An image that is said to be shorter than a header is not read, and has the error LENGTH.

    Latency: about twenty cycles and the header's, then a beat a cycle.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "image_bytes": In(32),
                "checked": In(1),
                "transfers": Out(stream.Signature(TransferLayout())),
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
        bus_bytes = self.config.bus_bytes
        shift = bus_bytes.bit_length() - 1
        m.d.comb += self.beats.ready.eq(1)  # none comes that was not asked for

        # Every beat passes through a register; all comparisons are of registers, and are kept in registers.
        beat = Signal(self.config.axi_data_width, reset_less=True)
        valid = Signal()
        m.d.sync += [beat.eq(self.beats.payload), valid.eq(self.beats.valid)]
        here = Signal(HEADER_BYTES // bus_bytes)  # one bit for each beat of the header: that of the next one
        arrived = Signal(SETTLE_CYCLES)  # the whole header, one cycle ago and more
        with m.If(valid):
            m.d.sync += here.eq(here << 1)
        with m.If(self.start):
            m.d.sync += here.eq(1)
        m.d.sync += arrived.eq(Cat(valid & here[-1], arrived))
        length = Signal(32)
        faults = self._header(m, beat, valid, here, length)

        restart = Signal()
        checksum = CRC32(data_width=self.config.axi_data_width).create()
        m.submodules.crc = ResetInserter(restart)(checksum)
        m.d.comb += checksum.data.eq(beat)
        stored: Any = Signal(32, reset_less=True)
        differs = Signal()
        m.d.sync += differs.eq(stored != checksum.crc)

        body = Signal(BEATS_BITS)  # beats to come before the trailer
        final = Signal()
        trailer_beats = TRAILER_BYTES // bus_bytes
        trailer = Signal(range(trailer_beats + 1))  # beats of it to come, 0 outside
        ended = Signal(2)  # the image, one cycle ago and two
        m.d.sync += ended.eq(Cat(valid & (trailer == 1), ended))
        with m.If(self.transfers.ready):
            m.d.sync += self.transfers.valid.eq(0)
        m.d.comb += [self.transfers.p.window.eq(Base.IMAGE), self.transfers.p.offset.eq(0)]

        with m.FSM() as fsm:
            m.d.comb += self.busy.eq(~fsm.ongoing("IDLE"))
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += [
                        self.error.eq(Error.NONE),
                        self.transfers.valid.eq(1),
                        self.transfers.p.beats.eq(HEADER_BYTES // bus_bytes),
                    ]
                    m.next = "HEADER"
                    with m.If(self.image_bytes < HEADER_BYTES):
                        m.d.sync += [self.error.eq(Error.LENGTH), self.transfers.valid.eq(0)]
                        m.next = "DONE"
            with m.State("HEADER"):
                with m.If(arrived[-1]):
                    m.next = "JUDGE"
            with m.State("JUDGE"):
                for wrong, error in reversed(faults):
                    with m.If(wrong):
                        m.d.sync += self.error.eq(error)
                m.next = "GO ON"
            with m.State("GO ON"):
                m.d.comb += restart.eq(1)
                m.d.sync += [
                    body.eq((length - TRAILER_BYTES) >> shift),
                    final.eq(0),  # there are two beats at least, or one
                    self.transfers.p.beats.eq(length >> shift),
                ]
                with m.If((self.error != Error.NONE) | self.checked):
                    m.next = "DONE"
                with m.Else():
                    m.d.sync += self.transfers.valid.eq(1)
                    m.next = "BODY"
            with m.State("BODY"):
                m.d.comb += checksum.valid.eq(valid)
                with m.If(valid):
                    m.d.sync += [body.eq(body - 1), final.eq(body == 2)]
                    with m.If(final):
                        m.d.sync += trailer.eq(trailer_beats)
                        m.next = "TRAILER"
            with m.State("TRAILER"):
                with m.If(valid):
                    m.d.sync += trailer.eq(trailer - 1)
                    with m.If(trailer == trailer_beats):
                        m.d.sync += stored.eq(beat)
                with m.If(ended[-1]):
                    with m.If(differs):
                        m.d.sync += self.error.eq(Error.CHECKSUM)
                    m.next = "DONE"
            with m.State("DONE"):
                m.d.comb += self.done.eq(1)
                m.next = "IDLE"
        return m

    def _header(
        self, m: Module, beat: Signal, valid: Signal, here: Signal, length: Signal
    ) -> list[tuple[Signal, Error]]:
        """Takes the header's words out of its beats.

        Returns:
            What is wrong, in the order in which it is told: valid SETTLE_CYCLES after the last beat.
        """
        config = self.config
        words = config.bus_bytes // 4

        def at(index: int) -> tuple[Value, Value]:
            """That a word of the header has come, and the word."""
            return valid & here[index // words], beat.word_select(index % words, 32)

        for index, target in ((3, length), (4, self.program_offset), (5, self.program_length)):
            comes, word = at(index)
            with m.If(comes):
                m.d.sync += target.eq(word)

        # Where the program ends and the trailer begins, in units of 64 bytes.
        program_end = Signal(34)
        trailer = Signal(26)
        m.d.sync += [
            program_end.eq((self.program_offset >> UNIT_BITS) + INSTRUCTION_UNITS * self.program_length),
            trailer.eq((length >> UNIT_BITS) - 1),
        ]
        bounds = header_bounds(config) | {"IMAGE_BYTES": self.image_bytes, "trailer": trailer}
        faults = []
        for number, rule in enumerate(HEADER_RULES):
            (name,) = rule.fields
            wrong = Signal(name=f"wrong_{name}_{number}")
            if name == "program_end":
                m.d.sync += wrong.eq(~rule.holds({name: program_end}, bounds))
            else:
                comes, word = at(HEADER_WORDS.index(name))
                with m.If(comes):
                    m.d.sync += wrong.eq(~rule.holds({name: word}, bounds))
            faults.append((wrong, rule.error))
        return faults
