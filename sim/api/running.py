"""``evaluate`` and ``simulate``: a network of integers beside the real one, and the core beside both."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pointwise.cores import core as core_of
from pointwise.hw.contract.config import CoreConfig
from pointwise.model.evaluate import Evaluation
from pointwise.model.evaluate import evaluate as evaluate_arrays
from pointwise.model.frontends import FloatNetwork
from pointwise.model.graph import Graph

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from pointwise.model.parallel import Executor
    from pointwise.sim.simulate import Simulation


def evaluate(
    network: Graph,
    source: FloatNetwork,
    inputs: "np.ndarray | Tensor",
    labels: "np.ndarray | None" = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Run inputs through both networks and compare: accuracy, agreement, noise of the results.

    Args:
        network: the integers that ``quantise`` made of ``source``.
        inputs: (B, …) as the network takes them. labels: (B,) whole numbers, or None.
        progress: called with (inputs done, inputs in all).

    Raises:
        PointwiseError: inputs or labels do not fit the network.
    """
    return evaluate_arrays(network, source, inputs, labels, progress)


def simulate(
    network: Graph,
    inputs: "np.ndarray",
    labels: "np.ndarray | None" = None,
    *,
    name: str | None = None,
    source: FloatNetwork | None = None,
    core: CoreConfig | str | Path | None = None,
    trace: bool = True,
    memory: dict[str, object] | None = None,
    seed: int = 1,
    waves: bool = False,
    executor: "Executor | None" = None,
    results: Path | None = None,
    step: Callable[[str], None] = lambda text: None,
    **parameters: int,
) -> "Simulation":
    """Run inputs on the generated core in Verilator, and compare every bit with the integer model.

    The simulator is compiled once for each core, which takes a minute or two.

    Args:
        network: of integers. inputs: (B, …) as the network takes them. labels: (B,) or None.
        name: of the run, for reports; the network's unless given.
        source: the real network, whose accuracy stands beside, where there are labels.
        core, parameters: see ``pointwise.core``.
        trace: store and compare every tensor of the first input, and not the results alone.
        memory: of the simulated DRAM: ``latency`` in cycles, ``stall_ar`` … ``stall_b`` in thousandths of
            the cycles. seed: of the stalls. waves: write those of the first input, and files for viewers.
        executor: what runs the simulators; two at a time here unless given.
        results: folder for a file of what is done, from which an interrupted run goes on.
        step: told what is being done.

    Raises:
        PointwiseError: the inputs do not fit the network, the network does not fit the core, or the core
            ended in an error. Differences are no error: see ``mismatches`` of the result.
    """
    from pointwise.sim.simulate import simulate as run
    from pointwise.sim.workload import Workload

    return run(
        Workload(name or network.name, source, network, inputs, labels),
        core_of(core, **parameters),
        trace=trace,
        memory=memory,
        seed=seed,
        waves=waves,
        executor=executor,
        results=results,
        step=step,
    )
