"""The course of a run, cycle by cycle, where the masters are late to say what they do."""

from collections.abc import Callable

import pytest
from amaranth.sim import Simulator

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.registers import Error
from pointwise.hw.control.run import RunSequencer

SETTLED = 4
"""Cycles after a change of state in which what the masters say may still be about the state before."""


class Run:
    """A sequencer, and what it does in each cycle."""

    def __init__(self, dut: RunSequencer, ctx) -> None:
        self.dut, self.ctx = dut, ctx

    async def cycles(self, count: int, **inputs: int) -> None:
        for name, value in inputs.items():
            self.ctx.set(getattr(self.dut, name), value)
        for _ in range(count):
            await self.ctx.tick()

    async def until(self, output: str, idle: Callable[[int], int] = lambda cycle: 1) -> int:
        """Cycles until an output is high; ``idle`` says for each what the masters say."""
        for cycle in range(60):
            self.ctx.set(self.dut.idle, idle(cycle))
            if self.ctx.get(getattr(self.dut, output)):
                return cycle
            await self.cycles(1)
            for pulse in ("start", "ended", "check_done"):
                self.ctx.set(getattr(self.dut, pulse), 0)
        raise AssertionError(f"{output} never came")

    async def to_program(self) -> None:
        """From START to the first cycle of the program."""
        self.ctx.set(self.dut.start, 1)
        await self.until("check_start")
        await self.cycles(1, check_done=1)
        await self.until("program_start")


def play(scene: Callable) -> None:
    dut = RunSequencer(CoreConfig())
    simulator = Simulator(dut)
    simulator.add_clock(1e-8)

    async def bench(ctx) -> None:
        run = Run(dut, ctx)
        await run.cycles(10, idle=1)
        await scene(run)

    simulator.add_testbench(bench)
    simulator.run()


def test_a_start_takes_what_the_masters_may_be_late_by() -> None:
    async def scene(run: Run) -> None:
        run.ctx.set(run.dut.start, 1)
        assert await run.until("check_start") == SETTLED + 3

    play(scene)


@pytest.mark.parametrize("late", range(1, SETTLED + 1))
def test_a_start_right_after_an_end_waits_for_masters_that_tell_late(late: int) -> None:
    """They said that they were idle, are busy for ten cycles all the same, and then idle."""

    async def scene(run: Run) -> None:
        await run.to_program()
        await run.cycles(5)
        run.ctx.set(run.dut.ended, 1)
        await run.until("finished")
        await run.cycles(1)
        assert not run.ctx.get(run.dut.busy)
        run.ctx.set(run.dut.start, 1)
        begun = await run.until("check_start", lambda cycle: not late <= cycle < late + 10)
        assert begun == late + 10 + 3

    play(scene)


@pytest.mark.parametrize("late", range(1, SETTLED + 1))
def test_an_error_is_over_once_masters_that_tell_late_are_idle(late: int) -> None:
    async def scene(run: Run) -> None:
        await run.to_program()
        await run.cycles(5)
        await run.cycles(1, read_error=1, read_address=0x1234)
        # In this cycle the sequencer knows of the error, and changes its state.
        run.ctx.set(run.dut.read_error, 0)
        ended = await run.until("finished", lambda cycle: not late <= cycle < late + 10)
        assert ended == late + 10 + 1
        await run.cycles(1)
        assert run.ctx.get(run.dut.failed)
        assert run.ctx.get(run.dut.error) == Error.BUS_READ
        assert run.ctx.get(run.dut.error_address) == 0x1234

    play(scene)
