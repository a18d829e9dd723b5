"""The output of a drawn program three times: of the second executor, of the emulator, and of the core."""

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.model.compiler import Compiled
from pointwise.model.emulator import Emulator, Order
from pointwise.sim.compare import check_errors
from pointwise.sim.system.run import run_core
from tests.independent.project import core_of
from tests.independent.reference import executor
from tests.independent.reference.core import Code
from tests.independent.transfers import Drawn
from tests.sim.system.cores import SHAPES, simulator


def expected(drawn: Drawn, config: CoreConfig, seed: int = 0) -> np.ndarray:
    """The bytes of the output that the program defines, from the second executor."""
    result = executor.run(drawn.image, drawn.input_block, core_of(config), seed=seed)
    assert result.code is Code.NONE, result.message
    return np.frombuffer(result.output, np.uint8)[drawn.written]


def emulated(drawn: Drawn, config: CoreConfig, order: Order = Order.SEQUENTIAL) -> np.ndarray:
    """The same bytes from the emulator."""
    output = Emulator(drawn.image, config, seed=1).run(drawn.input_block, order)
    return np.frombuffer(output, np.uint8)[drawn.written]


def same_on_the_core(shape: str, drawn: Drawn) -> None:
    """Runs a program on one of the cores of ``SHAPES``, over a memory that stalls."""
    config = SHAPES[shape]
    compiled = Compiled(config, (), drawn.image, {"output": {"bytes": drawn.written.size}})
    stalls = {"latency": 20, "stall_r": 200, "stall_w": 200}
    outcome = run_core(simulator(shape), compiled, [drawn.input_block], plusargs=stalls, timeout_cycles=10**6)
    check_errors(outcome)
    assert np.array_equal(np.frombuffer(outcome.outputs[0], np.uint8)[drawn.written], expected(drawn, config))
