"""Pointwise: an INT8 accelerator core generated from Python, and the way to it from a PyTorch network.

This is the root of what is installed: ``pointwise.hw`` is the hardware and the contract with software,
``pointwise.model`` the networks and their compiler, ``pointwise.sim`` simulation and the commands. The names
below are the whole way in a few lines; what they stand for is imported when it is asked for first::

    import pointwise as pw

    source = pw.load("my.pth")                          # a checkpoint of any layout
    calibration = pw.calibrate(source, images)          # about 100 of them, as the network takes them
    network = pw.quantise(calibration)                  # a graph of integers
    print(pw.evaluate(network, source, others, labels).top1_integer)

    compiled = pw.compile(network, rows=8, cols=8)      # a memory image for an 8×8 core
    pw.save(compiled, "build/mine")
    run = pw.simulate(network, others[:2], rows=8, cols=8)  # on the generated core, bit for bit
    print(run.cycles, run.utilisation, len(run.mismatches))
    pw.export(network, "build/exported", ["onnx", "c"])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pointwise.calibration import Calibration, calibrate, quantise, weigh
    from pointwise.compilation import compile, export, load_network, save
    from pointwise.cores import core
    from pointwise.hw.contract.config import CoreConfig
    from pointwise.hw.contract.errors import PointwiseError
    from pointwise.model.compiler import Compiled
    from pointwise.model.evaluate import Evaluation
    from pointwise.model.evaluate.weighed import Weighed
    from pointwise.model.frontends import FloatNetwork
    from pointwise.model.graph import Graph
    from pointwise.model.quantise import Recipe
    from pointwise.running import evaluate, simulate
    from pointwise.sim.simulate import Simulation
    from pointwise.sources import load

__all__ = [
    "Calibration",
    "Compiled",
    "CoreConfig",
    "Evaluation",
    "FloatNetwork",
    "Graph",
    "PointwiseError",
    "Recipe",
    "Simulation",
    "Weighed",
    "calibrate",
    "compile",
    "core",
    "evaluate",
    "export",
    "load",
    "load_network",
    "quantise",
    "save",
    "simulate",
    "weigh",
]

_MODULES = {
    "Calibration": "calibration",
    "Compiled": "model.compiler",
    "CoreConfig": "hw.contract.config",
    "Evaluation": "model.evaluate",
    "FloatNetwork": "model.frontends",
    "Graph": "model.graph",
    "PointwiseError": "hw.contract.errors",
    "Recipe": "model.quantise",
    "Simulation": "sim.simulate",
    "Weighed": "model.evaluate.weighed",
    "calibrate": "calibration",
    "compile": "compilation",
    "core": "cores",
    "evaluate": "running",
    "export": "compilation",
    "load": "sources",
    "load_network": "compilation",
    "quantise": "calibration",
    "save": "compilation",
    "simulate": "running",
    "weigh": "calibration",
}
"""Where each name is made. PyTorch takes seconds to import, so that nothing of it is until it is needed."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = made
    return made


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
