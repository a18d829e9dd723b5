"""The register map of ``pointwise.hw.contract.registers`` on AXI4-Lite, around the sequencer of runs."""

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from pointwise.hw.bus.axi import AxiLite
from pointwise.hw.bus.window import PAGE_BITS, WINDOWS, WindowLayout
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.image import MAGIC, VERSION, shape_word
from pointwise.hw.contract.isa import Base
from pointwise.hw.contract.registers import WATCHDOG_DEFAULT, Register

from .axilite import AxiLiteSlave
from .run import RunSequencer, run_ports

GROUP_BITS = 3
"""Registers are read in two steps: one of the words of each group of so many address bits, then a group."""


class Control(wiring.Component):
    """Registers, interrupt and the course of a run.

    Windows are taken over at a start, so software may prepare the next run during one. One that reaches
    beyond the last address, of the bus or of 32 bits, is taken as empty.

    Ports:
        s_axil: the registers.
        irq: the interrupt, level.
        clear: holds all but the bus masters in reset (use it with ResetInserter), and is the masters'
            ``halt``.
        windows: of this run, by ``Base``; they stand while ``clear`` is low.
        image_bytes: of the image, as it was written.
        idle: reader and writer are both idle.
        progress: something moved: a beat on a bus, a token in the array.
        checked: to ``ImageChecker``: the checksum is known to be good.
        check_start: to ``ImageChecker``.
        check_done: from ``ImageChecker``.
        check_error: from ``ImageChecker``.
        program_start: to ``ProgramFetch``.
        sweep: of a clear, to ``DmaEngine``.
        swept: of a clear, from ``DmaEngine``.
        zero: of a clear, to ``Engine``.
        ended: from ``ProgramFetch``.
        program_error: from ``ProgramFetch``, its ``error``.
        instruction: from ``ProgramFetch``.
        read_error: ``error`` of the reader.
        read_address: ``error_address`` of the reader.
        write_error: ``error`` of the writer.
        write_address: ``error_address`` of the writer.
        read_refused: the reader's error is a transfer outside its window.
        write_refused: the writer's likewise.
        cause: the ``Cause`` of each cycle with ``running``; 7 counts as IDLE.
        running: a program is at work.

    Latency: a write takes effect three cycles after address and data, a cycle after its answer; a read is
    answered after three. Throughput: a write in two cycles, a read in three.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        addr_width = config.axi_addr_width
        super().__init__(
            {
                "s_axil": In(AxiLite()),
                "irq": Out(1),
                "windows": Out(WindowLayout(addr_width)).array(WINDOWS),
                "image_bytes": Out(32),
                "checked": Out(1),
            }
            | run_ports(addr_width)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        m.submodules.slave = slave = AxiLiteSlave()
        m.submodules.run = run = RunSequencer(config)
        wiring.connect(m, slave.axi, wiring.flipped(self.s_axil))
        for name, member in run_ports(config.axi_addr_width).items():
            inner, outer = getattr(run, name), getattr(self, name)
            m.d.comb += outer.eq(inner) if member.flow == Out else inner.eq(outer)

        # Registers that software writes.
        given = {
            base: [Signal(32, name=f"{base.name.lower()}_{part}") for part in ("base", "bytes")]
            for base in Base
        }
        watchdog = Signal(32, init=WATCHDOG_DEFAULT)
        enable = Signal()
        pending = Signal()
        good = Signal()  # the image of image_base and image_bytes has been checked
        fresh = Signal()  # neither was written since the start

        def writes(register: Register) -> Signal:
            """High in the cycle after a write of a register: its data is still there."""
            strobe = Signal(name=f"writes_{register.name.lower()}")
            m.d.sync += strobe.eq(slave.write & (slave.write_word == register >> 2))
            return strobe

        finished = Signal()  # a register: no software is so quick as to see it
        m.d.sync += finished.eq(run.finished)
        with m.If(finished):
            m.d.sync += pending.eq(1)
        with m.If(run.passed & fresh):
            m.d.sync += good.eq(1)
        written = slave.write_data
        registers = {Register.WATCHDOG: watchdog}
        for base, (first, size) in given.items():
            registers |= {Register[f"{base.name}_BASE"]: first, Register[f"{base.name}_BYTES"]: size}
        for register, target in registers.items():
            kept = PAGE_BITS if register.name.endswith("_BASE") else 0  # low bits that stay 0
            with m.If(writes(register)):
                for byte in range(kept // 8, 4):
                    part = slice(max(kept, 8 * byte), 8 * byte + 8)
                    with m.If(slave.write_mask[byte]):
                        m.d.sync += target[part].eq(written[part])
                if register in (Register.IMAGE_BASE, Register.IMAGE_BYTES):
                    m.d.sync += [good.eq(0), fresh.eq(0)]
        with m.If(writes(Register.CONTROL) & slave.write_mask[0]):
            m.d.sync += enable.eq(written[1])
            m.d.comb += [run.start.eq((written[0] | written[2]) & ~run.busy), run.wipe.eq(written[2])]
        with m.If(writes(Register.INTERRUPT) & slave.write_mask[0] & written[0] & ~finished):
            m.d.sync += pending.eq(0)

        m.d.comb += [self.irq.eq(pending & enable), run.watchdog.eq(watchdog), run.checked.eq(self.checked)]
        with m.If(run.start):
            m.d.sync += [
                self.image_bytes.eq(given[Base.IMAGE][1]),
                self.checked.eq(good),
                fresh.eq(1),
            ]
        for base, (first, size) in given.items():
            self._take_over(m, run.start, self.windows[base], first, size, base.name.lower())

        # Registers that software reads.
        readable = {
            Register.MAGIC: MAGIC,
            Register.VERSION: VERSION,
            Register.SHAPE: shape_word(config),
            Register.MAX_TOKENS: config.max_tokens,
            Register.ACT_WORDS: config.act_words,
            Register.RES_WORDS: config.res_words,
            Register.CONTROL: enable << 1,
            Register.STATUS: Cat(run.busy, run.done, run.failed, Const(0, 5), run.error),
            Register.INTERRUPT: pending,
            Register.ERROR_ADDRESS: run.error_address,
            Register.ERROR_INSTRUCTION: run.error_instruction,
            **registers,
            Register.CHECK_CYCLES: run.check_cycles,
            Register.CYCLES: run.cycles,
        } | {Register.CAUSES + 4 * index: count for index, count in enumerate(run.causes)}
        self._read(m, slave, readable)
        return m

    def _take_over(
        self, m: Module, start: Value, window: data.View, base: Value, size: Value, name: str
    ) -> None:
        """A window of a run, from its registers; it is empty two cycles later where it is no good."""
        address_bits = min(self.config.axi_addr_width, 32)
        end = Signal(33 - PAGE_BITS, name=f"{name}_end")  # in pages, without the begun one
        begun = Signal(name=f"{name}_begun")
        beyond = Signal(name=f"{name}_beyond")
        taken = Signal(32, name=f"{name}_taken")
        last = 1 << address_bits - PAGE_BITS
        m.d.sync += [
            end.eq(taken[PAGE_BITS:] + window.bytes[PAGE_BITS:]),
            begun.eq(window.bytes[:PAGE_BITS].any()),
            beyond.eq((end > last) | ((end == last) & begun)),
        ]
        m.d.comb += window.base.eq(taken)
        with m.If(start):
            m.d.sync += [taken.eq(base), window.bytes.eq(size), end.eq(0), beyond.eq(0)]
        with m.Elif(beyond):
            m.d.sync += window.bytes.eq(0)

    @staticmethod
    def _read(m: Module, slave: AxiLiteSlave, readable: dict[int, Value | int]) -> None:
        """Two multiplexers with a register in between; registers of other groups read as zero."""
        place, group = slave.read_word[:GROUP_BITS], slave.read_word[GROUP_BITS:]
        for number in sorted({address >> GROUP_BITS + 2 for address in readable}):
            chosen = Signal(32, name=f"group{number}")
            m.d.sync += chosen.eq(0)
            with m.Switch(place):
                for address, value in readable.items():
                    if address >> GROUP_BITS + 2 == number:
                        with m.Case(address >> 2 & (1 << GROUP_BITS) - 1):
                            m.d.sync += chosen.eq(value)
            with m.If(group == number):
                m.d.comb += slave.read_data.eq(chosen)
