"""The quick count of cycles: what runs side by side, and what waits."""

from dataclasses import replace

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.model.compiler.analysis import analyse
from pointwise.model.compiler.cuts import Cuts
from pointwise.model.compiler.pace import Pace
from pointwise.model.compiler.planning import find_plan
from pointwise.model.estimate import Memory, estimate
from tests.model.compiler.test_offload import CORE, residual


@pytest.mark.slow
def test_near_the_estimate() -> None:
    """Of plans through DRAM in memories of several sizes: within a twentieth."""
    network = residual((48, 48))
    for act_kib in (9, 32, 64):
        config = replace(CORE, act_kib=act_kib, act_banks=4, res_kib=16)
        analysis = analyse(network, config)
        plan = find_plan(analysis, config, Cuts(analysis, config))
        assert plan is not None and any(step.store for step in plan.graph.steps)
        found = Pace(analysis, config).cycles(plan.graph, plan.order)
        exact = estimate(network, config, Memory(40)).cycles
        assert abs(found / exact - 1) < 0.05


def test_weights_may_take_longer_than_tokens() -> None:
    """A narrow bus brings the weights of a layer of few tokens for longer than they are used."""
    network = residual((8, 8))
    wide = CoreConfig(rows=16, cols=16, axi_data_width=128, max_tokens=64)
    found = []
    for config in (wide, replace(wide, axi_data_width=32)):
        analysis = analyse(network, config)
        plan = find_plan(analysis, config, Cuts(analysis, config))
        assert plan is not None
        found.append(Pace(analysis, config).cycles(plan.graph, plan.order))
    assert found[1] > found[0]
