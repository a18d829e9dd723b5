"""How much memory would do: found in few steps, and enough."""

import re
from dataclasses import replace

import pytest

from pointwise.hw.contract.config import LARGEST_KIB, CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.isa import Dma
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.codegen import generate
from pointwise.model.compiler.memory_sizing import least_that_does, roomy
from pointwise.model.compiler.plans import Plans
from pointwise.model.compiler.random_network import random_network
from pointwise.model.compiler.shapes import Shape
from pointwise.model.estimate import weightless
from pointwise.model.networks import NETWORKS

DEEP = Shape(tokens=40, inputs=40, dim=64, depth=5, heads=2, head_dim=32, hidden=256, classes=5)


@pytest.mark.parametrize("enough", [1, 2, 3, 17, 100, 161, 4000, 16384])
def test_the_least_is_found_in_few_steps(enough: int) -> None:
    asked = []

    def does(number: int) -> bool:
        asked.append(number)
        return number >= enough

    for known in {0, enough // 3, enough - 1}:
        asked.clear()
        assert least_that_does(does, known, LARGEST_KIB) == enough
        assert len(asked) == len(set(asked)) <= 2 * enough.bit_length() + 4


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("memories", [{"act_kib": 1, "res_kib": 64}, {"act_kib": 1, "res_kib": 1}])
def test_what_is_advised_of_many_blocks_compiles(seed: int, memories: dict[str, int]) -> None:
    """Looked for with two of five blocks."""
    network = random_network(seed, DEEP)
    config = CoreConfig(rows=8, cols=8, max_tokens=64, act_banks=1, **memories)
    with pytest.raises(PointwiseError) as caught:
        generate(network, config)
    advised = {name: int(kib) for name, kib in re.findall(r"(act_kib|res_kib) = (\d+)", str(caught.value))}
    assert advised
    compile_network(network, replace(config, **advised))
    for name, kib in advised.items():
        if kib > 1:
            with pytest.raises(PointwiseError):
                generate(network, replace(config, **advised | {name: kib - 1}))


def test_a_core_is_doubled_until_nothing_waits() -> None:
    network = weightless(Shape.of(NETWORKS["deit_base"]))
    config = CoreConfig()
    grown = roomy(network, config)
    assert (grown.act_kib, grown.res_kib) == (config.act_kib, 4 * config.res_kib)
    moves = [one for one in generate(network, grown).instructions if isinstance(one, Dma)]
    assert [one.store for one in moves].count(True) == 1  # the result


def test_a_core_that_fits_is_left_as_it_is() -> None:
    network = weightless(Shape.of(NETWORKS["deit_small"]))
    assert roomy(network, CoreConfig()) == CoreConfig()


def test_cores_that_differ_in_the_bus_share_a_plan() -> None:
    plans = Plans(weightless(Shape.of(NETWORKS["micro"])))
    found = plans[CoreConfig()]
    assert plans[CoreConfig(axi_data_width=64, axi_burst=8, stream_beats=64)] is found
    assert plans[CoreConfig(act_kib=200)] is not found
    small = CoreConfig(act_kib=1)
    for _ in range(2):
        with pytest.raises(PointwiseError, match="does not fit"):
            _ = plans[small]
