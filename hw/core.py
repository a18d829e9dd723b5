"""The core: everything between the two AXI buses."""

from typing import Any

from amaranth.hdl import (
    ClockDomain,
    ClockSignal,
    DomainRenamer,
    Elaboratable,
    Module,
    Mux,
    ResetSignal,
    Signal,
)
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from pointwise.hw.bus.axi import Axi4, AxiLite, connect_half
from pointwise.hw.bus.prefetch import StreamPrefetch
from pointwise.hw.bus.reader import AxiReader
from pointwise.hw.bus.select import ReadSelect
from pointwise.hw.bus.slice import AxiSlice
from pointwise.hw.bus.writer import AxiWriter
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Base
from pointwise.hw.contract.registers import Cause
from pointwise.hw.control.checker import ImageChecker
from pointwise.hw.control.control import Control
from pointwise.hw.control.program import ProgramFetch
from pointwise.hw.engine.engine import Engine
from pointwise.hw.memory.dma import DmaEngine

PROGRAM, STREAM, DMA = range(3)
"""Clients of the read master."""


class Core(wiring.Component):
    """Pointwise.

    Ports:
        m_axi: AXI4 master to the memory that holds image, inputs and outputs.
        s_axil: AXI4-Lite slave with the registers of ``pointwise.hw.contract.registers``.
        irq: level interrupt.

    All of it is one clock domain (``clk``, synchronous ``rst``). Everything but the registers and the bus
    masters is held in reset between two runs, so that every run starts from the same state.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__(
            {
                "m_axi": Out(Axi4(config.axi_data_width, config.axi_addr_width)),
                "s_axil": In(AxiLite()),
                "irq": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        m.submodules.control = control = Control(config)
        # A beat a cycle at 40 cycles of latency needs some 64 beats on their way.
        fifo = max(64, 2 * config.axi_burst)
        m.submodules.reader = reader = AxiReader(config, [2 * config.axi_burst, config.stream_beats, fifo])
        m.submodules.writer = writer = AxiWriter(config)
        units = {
            "checker": ImageChecker(config),
            "program": ProgramFetch(config),
            "prefetch": StreamPrefetch(config),
            "select": ReadSelect(config),
            "dma": DmaEngine(config),
            "engine": Engine(config),
        }
        for name, unit in units.items():
            m.submodules[name] = _reset_by(m, control.clear, name, unit)
        checker, program, prefetch, select, dma, engine = units.values()

        connect(m, flipped(self.s_axil), control.s_axil)
        m.d.comb += self.irq.eq(control.irq)
        self._masters(m, control, reader, writer)
        self._blame(m, control, program, dma, reader, writer)
        self._course(m, control, checker, program, reader, writer, engine)

        # Who reads: the program, the stationary streams, and the DMA, whose place the checker has at first.
        connect(m, program.transfers, reader.transfers[PROGRAM])
        connect(m, reader.beats[PROGRAM], program.beats)
        connect(m, prefetch.transfers, reader.transfers[STREAM])
        connect(m, reader.beats[STREAM], prefetch.beats)
        connect(m, select.client_transfers, reader.transfers[DMA])
        connect(m, reader.beats[DMA], select.client_beats)
        for index, user in enumerate((dma, checker)):
            connect(m, user.transfers, select.transfers[index])
            connect(m, select.beats[index], user.beats)
        m.d.comb += select.select.eq(checker.busy)

        # Who does what the program says.
        connect(m, program.streams, prefetch.streams)
        connect(m, program.conv, engine.conv)
        connect(m, program.dma, dma.instructions)
        connect(m, prefetch.rows, engine.rows)
        connect(m, dma.write_transfers, writer.transfers)
        connect(m, dma.write_beats, writer.beats)
        for name in ("act_read", "act_write", "res_read", "res_write"):
            connect(m, getattr(dma, name), getattr(engine, name))
        m.d.comb += [prefetch.flush.eq(engine.flush), dma.writer_idle.eq(writer.idle)]
        m.d.comb += [
            engine.zero.eq(control.zero),
            engine.zero_address.eq(dma.sweep_address),
            dma.sweep.eq(control.sweep),
            control.swept.eq(dma.swept),
            checker.image_bytes.eq(control.image_bytes),
            program.image_bytes.eq(control.windows[Base.IMAGE].bytes),
        ]
        dma_done = Signal(16)
        with m.If(dma.done):
            m.d.dma += dma_done.eq(dma_done + 1)
        for unit in (program, dma):
            m.d.comb += [unit.conv_done.eq(engine.conv_done), unit.dma_done.eq(dma_done)]
        m.d.comb += [engine.dma_done.eq(dma_done), engine.rows_done.eq(dma.rows_done)]
        return m

    def _masters(self, m: Module, control: Control, reader: AxiReader, writer: AxiWriter) -> None:
        m.submodules.axi_slice = axi_slice = AxiSlice(self.config)
        connect_half(m, reader.axi, axi_slice.master)
        connect_half(m, writer.axi, axi_slice.master)
        connect(m, axi_slice.bus, flipped(self.m_axi))
        m.d.comb += [
            *(unit.windows[index].eq(control.windows[index]) for unit in (reader, writer) for index in Base),
            reader.halt.eq(control.clear),
            writer.halt.eq(control.clear),
            control.idle.eq(reader.idle & writer.idle),
            control.read_error.eq(reader.error),
            control.read_address.eq(reader.error_address),
            control.read_refused.eq(reader.refused.any()),
            control.write_error.eq(writer.error),
            control.write_address.eq(writer.error_address),
            control.write_refused.eq(writer.refused),
        ]

    def _blame(
        self,
        m: Module,
        control: Control,
        program: ProgramFetch,
        dma: DmaEngine,
        reader: AxiReader,
        writer: AxiWriter,
    ) -> None:
        """Whose instruction an error is: the program is stopped at a stream that is refused, not at a row."""
        row_refused = Mux(reader.error, reader.refused[DMA], writer.refused)
        m.d.comb += control.instruction.eq(Mux(row_refused, dma.instruction, program.instruction))

    def _course(
        self,
        m: Module,
        control: Control,
        checker: ImageChecker,
        program: ProgramFetch,
        reader: AxiReader,
        writer: AxiWriter,
        engine: Engine,
    ) -> None:
        """Check, then run: what the control unit starts and hears of."""
        m.d.comb += [
            checker.start.eq(control.check_start),
            checker.checked.eq(control.checked),
            control.check_done.eq(checker.done),
            control.check_error.eq(checker.error),
            program.start.eq(control.program_start),
            program.program_offset.eq(checker.program_offset),
            program.program_length.eq(checker.program_length),
            control.ended.eq(program.ended),
            control.program_error.eq(program.error),
            control.cause.eq(engine.cause),
            control.progress.eq(reader.progress | writer.progress | (engine.cause == Cause.STREAM)),
        ]


def _reset_by(m: Module, clear: Signal, name: str, unit: Elaboratable) -> Any:
    """A unit with a reset of its own, a cycle behind ``clear``.

    It comes straight out of a register, one for each unit: thousands of registers across a chip hang on it,
    which leaves no time for a gate. So the core's own reset goes through that register too.
    """
    reset = Signal(init=1, name=f"{name}_reset")
    m.d.sync += reset.eq(clear)
    m.domains += ClockDomain(name, local=True)
    m.d.comb += [ClockSignal(name).eq(ClockSignal()), ResetSignal(name).eq(reset)]
    return DomainRenamer(name)(unit)
