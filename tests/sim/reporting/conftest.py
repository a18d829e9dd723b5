"""The folder of a run, which the tests here share."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pointwise.model.compiler import compile_network
from pointwise.model.compiler.random_network import random_image, random_network
from pointwise.sim.reporting.folder import MANIFEST, PAGE, PICTURE, REPORT, TIMELINE, write
from pointwise.sim.reporting.layers import timeline_dict
from pointwise.sim.reporting.summary import as_dict
from pointwise.sim.simulate import Simulation
from pointwise.sim.system.run import run_core
from tests.sim.system.cores import SHAPES, simulator

SEED = 3


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of a small network, as ``pointwise sim`` writes it."""
    config, network = SHAPES["4x4"], random_network(SEED)
    compiled = compile_network(network, config)
    block = compiled.pack_input(random_image(network, SEED))
    result = run_core(simulator("4x4"), compiled, [block], timeline=True)
    image = result.images[0]
    simulation = Simulation(
        workload=SimpleNamespace(name="a < b", network=network),
        config=config,
        compiled=compiled,
        tensors_compared=1,
        mismatches=(),
        top1_float=None,
        top1_int=None,
        top1_hw=None,
        logits=np.zeros((1, 5)),
        cycles=image.cycles,
        check_cycles=image.check_cycles,
        causes=image.causes,
        timeline=result.timeline,
        simulated_cycles=image.cycles,
        seconds=1.0,
        memory={"latency": 1},
    )
    folder = tmp_path_factory.mktemp("run")
    timeline = timeline_dict(compiled.manifest, result.timeline)
    paths = write(as_dict(simulation, timeline, 2.0), timeline, compiled.manifest, folder)
    assert [path.name for path in paths] == [REPORT, TIMELINE, MANIFEST, PICTURE, PAGE]
    assert sorted(folder.iterdir()) == sorted(paths)
    return folder
