"""The course of a run: check the image, execute the program, count the cycles, end in done or in an error."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.registers import Cause, Error

from .program import ERROR_BITS

CAUSE_BITS = 3
SETTLE_CYCLES = 4
"""After a change of state, until what the masters say of themselves is about that state: registers lie in
between in both directions."""


def run_ports(addr_width: int) -> dict[str, wiring.Member]:
    """What a run has to do with the units that it starts and watches, by the names of the ports, seen from
    the sequencer."""
    return {
        "clear": Out(1, init=1),
        "idle": In(1),
        "progress": In(1),
        "check_start": Out(1),
        "check_done": In(1),
        "check_error": In(ERROR_BITS),
        "program_start": Out(1),
        "sweep": Out(1),
        "swept": In(1),
        "zero": Out(1),
        "ended": In(1),
        "program_error": In(ERROR_BITS),
        "instruction": In(32),
        "read_error": In(1),
        "read_address": In(addr_width),
        "write_error": In(1),
        "write_address": In(addr_width),
        "read_refused": In(1),
        "write_refused": In(1),
        "cause": In(CAUSE_BITS),
        "running": Out(1),
    }


class RunSequencer(wiring.Component):
    """Starts the image check and the program, sees to it that every run ends, and keeps its counters.

    While nothing runs ``clear`` is high: it holds everything but the bus masters in reset, and is the
    ``halt`` of those, which keep what they must to end the bursts that are on the bus. A run begins when the
    masters are idle. After an error ``clear`` rises, and the run is over once the masters are idle. The
    watchdog covers all these waits.

    Ports:
        start: begin, ignored while busy.
        wipe: what begins is a clear of the memories, with no check and no program.
        sweep: of a clear, high for a cycle, two after ``clear`` fell.
        swept: its end.
        zero: a clear is at work.
        checked: the image's checksum is known to be good.
        watchdog: cycles without ``progress`` that end a run, 0 for never.
        progress: something moved.
        clear: see above; it falls two cycles before ``check_start``, so that there may be a register behind
            it.
        idle: both masters are.
        check_start: to ``ImageChecker``.
        check_done: from ``ImageChecker``.
        check_error: from ``ImageChecker``.
        program_start: to ``ProgramFetch``.
        ended: from ``ProgramFetch``; it may tell of the cycle before.
        program_error: from ``ProgramFetch``.
        instruction: from ``ProgramFetch``.
        read_error: from the reader.
        read_address: of its error.
        write_error: from the writer.
        write_address: of its error.
        read_refused: the reader's error is a transfer outside its window.
        write_refused: the writer's likewise.
        cause: ``Cause`` of this cycle; only looked at while ``running``.
        running: a program is at work.
        busy: a run is at work.
        done: the last run ended well; until the next start.
        failed: the last run ended in an error; until the next start.
        finished: high for a cycle at the end of every run.
        passed: high for a cycle when the image has been found good.
        error: of a failed run, else zero.
        error_address: of a failed run, else zero.
        error_instruction: of a failed run, else zero.
        check_cycles: of the image check; like the other counters it has 32 bits and stays until the next
            start.
        cycles: of the program.
        causes: of the program, by ``Cause``.

    Latency: an error raises ``clear`` two cycles later. A run ends a cycle after ``ended``, two after
    ``idle``, one of which counts. A start takes SETTLE_CYCLES more than the masters need.
    """

    def __init__(self, config: CoreConfig) -> None:
        addr_width = config.axi_addr_width
        super().__init__(
            {
                "start": In(1),
                "wipe": In(1),
                "checked": In(1),
                "watchdog": In(32),
                "busy": Out(1),
                "done": Out(1),
                "failed": Out(1),
                "finished": Out(1),
                "passed": Out(1),
                "error": Out(ERROR_BITS),
                "error_address": Out(addr_width),
                "error_instruction": Out(32),
                "check_cycles": Out(32),
                "cycles": Out(32),
                "causes": Out(32).array(len(Cause)),
            }
            | run_ports(addr_width)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # What comes from far away goes through a register first; a cycle later is soon enough for all of it.
        soon = {
            name: Signal.like(getattr(self, name), name=f"soon_{name}")
            for name in (
                *("progress", "idle", "check_done", "check_error", "program_error", "cause"),
                *("read_error", "write_error"),
            )
        }
        m.d.sync += [signal.eq(getattr(self, name)) for name, signal in soon.items()]
        counts = Signal()
        image_wrong = Signal()
        program_wrong = Signal()
        image_bad = Signal()
        wrong = Signal()  # any of them
        m.d.comb += [
            image_wrong.eq(self.check_done & (self.check_error != Error.NONE)),
            program_wrong.eq(self.running & (self.program_error != Error.NONE)),
        ]
        m.d.sync += [
            counts.eq(self.running),
            image_bad.eq(image_wrong),
            wrong.eq(self.read_error | self.write_error | image_wrong | program_wrong),
        ]

        moved = Signal()
        since = Signal(SETTLE_CYCLES)  # the last change of state: the first cycle, the second...
        m.d.sync += since.eq(Cat(moved, since))
        first = since[0]
        settled = Signal()
        m.d.comb += settled.eq(since == 0)

        waited = Signal(32)
        expired = Signal()
        rests = Signal()
        m.d.comb += rests.eq(soon["progress"] | first | ~self.busy | self.zero)
        m.d.sync += [
            waited.eq(Mux(rests, 0, waited + 1)),
            expired.eq((self.watchdog != 0) & (waited >= self.watchdog) & ~rests),
        ]

        late = Signal()
        bad = Signal()
        m.d.comb += [
            late.eq(expired & ~first),  # in the first cycle it is of the state before
            bad.eq(wrong | late),
        ]
        begins = Signal()
        wiping = Signal()
        m.d.sync += self.zero.eq(self.running & wiping)
        fault = Signal(ERROR_BITS)
        address = Signal(len(self.error_address))

        def go(state: str) -> None:
            m.d.comb += moved.eq(1)
            m.d.sync += self.clear.eq(state not in ("CHECK", "RUN"))
            m.next = state

        def finish(*, failed: bool) -> None:
            m.d.comb += self.finished.eq(1)
            m.d.sync += [self.done.eq(not failed), self.failed.eq(failed)]
            go("IDLE")

        with m.If(counts):
            with m.Switch(soon["cause"]):
                for cause in Cause:
                    with m.Default() if cause is Cause.IDLE else m.Case(cause):
                        m.d.sync += self.causes[cause].eq(self.causes[cause] + 1)

        with m.FSM() as fsm:
            m.d.comb += [self.busy.eq(~fsm.ongoing("IDLE")), self.running.eq(fsm.ongoing("RUN"))]
            with m.State("IDLE"):
                m.d.comb += begins.eq(self.start)
                with m.If(self.start):
                    m.d.sync += wiping.eq(self.wipe)
                    go("FLUSH")
            with m.State("FLUSH"):
                with m.If(soon["idle"] & settled & wiping):
                    go("RUN")
                with m.Elif(soon["idle"] & settled):
                    go("CHECK")
                with m.Elif(late):
                    m.d.sync += self.error.eq(Error.WATCHDOG)
                    finish(failed=True)
            with m.State("CHECK"):
                m.d.comb += self.check_start.eq(since[1])
                m.d.sync += self.check_cycles.eq(self.check_cycles + ~self.checked)
                with m.If(bad):
                    go("HALT")
                with m.Elif(soon["check_done"]):
                    m.d.comb += self.passed.eq(1)
                    go("RUN")
            with m.State("RUN"):
                m.d.comb += [self.program_start.eq(first & ~wiping), self.sweep.eq(since[1] & wiping)]
                m.d.sync += self.cycles.eq(self.cycles + 1)
                with m.If(bad):
                    go("HALT")
                with m.Elif((self.ended | self.swept) & soon["idle"]):
                    finish(failed=False)
            with m.State("HALT"):
                # At first it is still told of cycles before, in which a burst may have begun.
                with m.If((soon["idle"] & settled) | late):
                    finish(failed=True)

        # What went wrong; the bus first, because a wrong beat may look like a wrong image or program.
        with m.If(soon["read_error"]):
            m.d.comb += [
                fault.eq(Mux(self.read_refused, Error.WINDOW, Error.BUS_READ)),
                address.eq(self.read_address),
            ]
        with m.Elif(soon["write_error"]):
            m.d.comb += [
                fault.eq(Mux(self.write_refused, Error.WINDOW, Error.BUS_WRITE)),
                address.eq(self.write_address),
            ]
        with m.Elif(image_bad):
            m.d.comb += fault.eq(soon["check_error"])
        with m.Elif(wrong):
            m.d.comb += fault.eq(soon["program_error"])
        with m.Else():
            m.d.comb += fault.eq(Error.WATCHDOG)
        with m.If(~self.clear & bad):
            m.d.sync += [
                self.error.eq(fault),
                self.error_address.eq(address),
                self.error_instruction.eq(self.instruction),
            ]
        # The last one who says what they become, so that synthesis finds a reset in place of a multiplexer.
        with m.If(begins):
            last = (self.done, self.failed, self.error, self.error_address, self.error_instruction)
            counters = (self.check_cycles, self.cycles, *self.causes)
            m.d.sync += [signal.eq(0) for signal in (*last, *counters)]
        return m
