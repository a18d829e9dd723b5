"""The register map of ``hw.contract.registers`` on AXI4-Lite, around the sequencer of runs."""

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.bus.axi import AxiLite
from hw.contract.config import CoreConfig
from hw.contract.image import MAGIC, VERSION, shape_word
from hw.contract.registers import WATCHDOG_DEFAULT, Register

from .axilite import AxiLiteSlave
from .program import ERROR_BITS
from .run import CAUSE_BITS, RunSequencer

PAGE_BITS = 12
"""Bases are multiples of 4096: their low bits read as zero."""
GROUP_BITS = 3
"""Registers are read in two steps: one of the words of each group of so many address bits, then a group."""


class Control(wiring.Component):
    """Registers, interrupt and the course of a run.

    Bases and length are taken over at a start, so software may prepare the next run during one.

    Ports:
        s_axil: the registers. irq: the interrupt, level.
        clear: holds all but the bus masters in reset (use it with ResetInserter), and is the masters'
            ``halt``.
        image_base, image_bytes, input_base, output_base: of this run.
        idle: reader and writer are both idle. progress: something moved: a beat on a bus, a token in the
            array.
        checked, check_start, check_done, check_error: to and from ``ImageChecker``.
        program_start, ended, program_error, instruction: to and from ``ProgramFetch``.
        read_error, read_address, write_error, write_address: error and error_address of the masters.
        cause: the ``Cause`` of each cycle with ``running``; 7 counts as IDLE.

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
                "clear": Out(1),
                "image_base": Out(addr_width),
                "image_bytes": Out(32),
                "input_base": Out(addr_width),
                "output_base": Out(addr_width),
                "idle": In(1),
                "progress": In(1),
                "checked": Out(1),
                "check_start": Out(1),
                "check_done": In(1),
                "check_error": In(ERROR_BITS),
                "program_start": Out(1),
                "ended": In(1),
                "program_error": In(ERROR_BITS),
                "instruction": In(32),
                "read_error": In(1),
                "read_address": In(addr_width),
                "write_error": In(1),
                "write_address": In(addr_width),
                "cause": In(CAUSE_BITS),
                "running": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        m.submodules.slave = slave = AxiLiteSlave()
        m.submodules.run = run = RunSequencer(config)
        wiring.connect(m, slave.axi, wiring.flipped(self.s_axil))
        for name in (
            *("idle", "progress", "check_done", "check_error", "ended", "program_error", "instruction"),
            *("read_error", "read_address", "write_error", "write_address", "cause"),
        ):
            m.d.comb += getattr(run, name).eq(getattr(self, name))
        for name in ("clear", "check_start", "program_start", "running"):
            m.d.comb += getattr(self, name).eq(getattr(run, name))

        # Registers that software writes.
        image_base, input_base, output_base, image_bytes = (
            Signal(32, name=name) for name in ("image_base", "input_base", "output_base", "image_bytes")
        )
        watchdog = Signal(32, init=WATCHDOG_DEFAULT)
        enable = Signal()
        pending = Signal()
        good = Signal()  # the image of image_base and image_bytes has been checked
        fresh = Signal()  # neither was written since the start
        bits = Cat(bit.replicate(8) for bit in slave.write_mask)

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
        for register, target, mask in (
            (Register.IMAGE_BASE, image_base, -1 << PAGE_BITS),
            (Register.INPUT_BASE, input_base, -1 << PAGE_BITS),
            (Register.OUTPUT_BASE, output_base, -1 << PAGE_BITS),
            (Register.IMAGE_BYTES, image_bytes, -1),
            (Register.WATCHDOG, watchdog, -1),
        ):
            with m.If(writes(register)):
                m.d.sync += target.eq((target & ~bits) | (written & bits & (mask & 0xFFFFFFFF)))
                if register in (Register.IMAGE_BASE, Register.IMAGE_BYTES):
                    m.d.sync += [good.eq(0), fresh.eq(0)]
        with m.If(writes(Register.CONTROL) & slave.write_mask[0]):
            m.d.sync += enable.eq(written[1])
            m.d.comb += run.start.eq(written[0] & ~run.busy)
        with m.If(writes(Register.INTERRUPT) & slave.write_mask[0] & written[0] & ~finished):
            m.d.sync += pending.eq(0)

        m.d.comb += [self.irq.eq(pending & enable), run.watchdog.eq(watchdog), run.checked.eq(self.checked)]
        with m.If(run.start):
            m.d.sync += [
                self.image_base.eq(image_base),
                self.image_bytes.eq(image_bytes),
                self.input_base.eq(input_base),
                self.output_base.eq(output_base),
                self.checked.eq(good),
                fresh.eq(1),
            ]

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
            Register.IMAGE_BASE: image_base,
            Register.IMAGE_BYTES: image_bytes,
            Register.INPUT_BASE: input_base,
            Register.OUTPUT_BASE: output_base,
            Register.WATCHDOG: watchdog,
            Register.CHECK_CYCLES: run.check_cycles,
            Register.CYCLES: run.cycles,
        } | {Register.CAUSES + 4 * index: count for index, count in enumerate(run.causes)}
        self._read(m, slave, readable)
        return m

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
