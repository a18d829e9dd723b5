"""Programs of the second assembler: second executor, emulator and core give the same output."""

from dataclasses import replace

import numpy as np
import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.model.compiler.shapes import random_config
from pointwise.model.emulator import Order
from tests.independent.comparison import emulated, expected, same_on_the_core
from tests.independent.programs import Generator
from tests.independent.project import cases, core_of
from tests.independent.reference import waits
from tests.independent.reference.fields import Conv, StationarySource
from tests.independent.transfers import Drawn
from tests.sim.system.cores import SHAPES

EXTREMES = {
    "one of everything": Conv(),
    "the most channels in": Conv(tokens=2, k=4096, n=3),
    "the most channels out": Conv(tokens=1, k=3, n=4096),
    "the most channels out, with sums": Conv(tokens=2, k=2, n=4096, to_residual=1, add=1, sums=1),
    "the most keys": Conv(tokens=3, k=5, n=4096, stationary=StationarySource.KEYS, to_residual=1),
    "the longest keys": Conv(tokens=3, k=4096, n=5, stationary=StationarySource.KEYS, in_unsigned=1),
    "the most values": Conv(tokens=3, k=4096, n=5, stationary=StationarySource.VALUES, out_unsigned=1),
    "2 bits, odd": Conv(tokens=7, k=35, n=11, packing=2, table=1),
    "4 bits, odd": Conv(tokens=7, k=35, n=11, packing=1, to_residual=1, add=1),
}
CORES = ("4x4", "3x6")


def draw(seed: int, config: CoreConfig, count: int = 8) -> Drawn:
    return Generator(np.random.default_rng(seed), core_of(config)).draw(count)


@pytest.mark.parametrize("part", cases(4))
def test_random_programs_in_every_order(part: int) -> None:
    """With the fewest waits that the documents ask for, and sometimes more."""
    for seed in range(10 * part, 10 * part + 10):
        config = random_config(seed)
        drawn = draw(seed, config)
        wanted = expected(drawn, config)
        for order in Order:
            assert np.array_equal(emulated(drawn, config, order), wanted), (seed, order)


def test_a_wait_too_few_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail: with one convolution less to wait for most programs go wrong in some order."""
    least = waits.Waits.least

    def careless(self: waits.Waits, instruction: Conv) -> Conv:
        found = least(self, instruction)
        return replace(found, wait_conv=max(found.wait_conv - 1, 0))

    monkeypatch.setattr(waits.Waits, "least", careless)
    found = 0
    for seed in range(10):
        config = random_config(seed)
        drawn = draw(seed, config)
        wanted = expected(drawn, config)
        found += any(not np.array_equal(emulated(drawn, config, order), wanted) for order in Order)
    assert found > 5


@pytest.mark.parametrize("name", EXTREMES)
def test_extremes(name: str) -> None:
    for rows, cols in ((1, 1), (2, 64), (3, 6), (7, 21), (64, 32)):
        config = CoreConfig(rows, cols, max_tokens=16, act_kib=64, res_kib=64, axi_data_width=64)
        generator = Generator(np.random.default_rng(rows), core_of(config), least=20_000, most=20_000)
        assert generator.exactly(EXTREMES[name])
        drawn = generator.finish()
        assert np.array_equal(emulated(drawn, config), expected(drawn, config)), (rows, cols)


@pytest.mark.parametrize("seed", cases(3))
@pytest.mark.parametrize("shape", CORES)
def test_random_programs_on_the_core(shape: str, seed: int) -> None:
    same_on_the_core(shape, draw(seed, SHAPES[shape], count=12))


@pytest.mark.parametrize("shape", CORES)
def test_few_tokens_on_the_core(shape: str) -> None:
    """Tiles so short that a token which waits for a bank comes again soon."""
    generator = Generator(np.random.default_rng(0), core_of(SHAPES[shape]))
    for tokens in range(1, 5):
        for stationary in StationarySource:
            for k in (12, 50):
                assert generator.exactly(
                    Conv(tokens=tokens, k=k, n=3, stationary=stationary, to_residual=1, add=1)
                )
    same_on_the_core(shape, generator.finish())
