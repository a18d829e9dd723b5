"""LSQ, PACT and SAWB do what their papers say."""

import numpy as np
import pytest
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.qat.lsq import Lsq
from pointwise.model.qat.pact import DECAY, Pact
from pointwise.model.qat.sawb import Sawb, coefficients


@pytest.mark.parametrize("least", [None, -0.17])
def test_the_gradient_of_lsq_is_equation_3(least: float | None):
    rows = torch.randn(1, 500, generator=torch.Generator().manual_seed(0))
    quantiser = Lsq(4, 1, least)
    quantiser.initialise(rows)
    upstream = torch.randn(1, 500, generator=torch.Generator().manual_seed(1))
    (quantiser(rows) * upstream).sum().backward()
    step, zero = float(quantiser.scale), float(quantiser.zero(quantiser.scale))
    v = rows / step
    low, high = quantiser.low - zero, quantiser.high - zero
    rounded = (v + 0.5).floor()
    by_step = torch.where(rounded < low, low, torch.where(rounded > high, high, rounded - v))
    ease = 1 / np.sqrt(500 * quantiser.high)
    wanted = (by_step * upstream).sum() * step * ease  # what is learned is the step over its first value
    assert quantiser.factor.grad.item() == pytest.approx(wanted.item(), rel=1e-4)


def test_lsq_starts_as_in_its_paper_and_never_wider_than_what_is_there():
    rows = torch.cat([torch.randn(1, 1000), torch.full((1, 1000), 0.3)])
    quantiser = Lsq(2, 2)
    quantiser.initialise(rows)
    assert quantiser.scale.tolist() == pytest.approx([2 * rows[0].abs().mean().item(), 0.3])


def test_pact_learns_from_what_it_clips_and_from_nothing_else():
    rows = torch.tensor([[-3.0, -0.4, 0.0, 0.3, 0.9, 2.0, 5.0]], requires_grad=True)
    quantiser = Pact(4)
    quantiser.initialise(torch.tensor([[1.0]]))
    quantiser(rows).sum().backward()
    # Two above α, one below −α; and the regularisation.
    assert quantiser.factor.grad.item() == pytest.approx(2 - 1 + 2 * DECAY)
    assert rows.grad.tolist() == [[0, 1, 1, 1, 1, 0, 0]]
    unsigned = Pact(8, 1, -0.17)
    unsigned.initialise(torch.tensor([[1.0]]))
    assert float(unsigned.scale) == pytest.approx(1.17 / 255)
    unsigned(rows).sum().backward()
    assert unsigned.factor.grad.item() == pytest.approx(2 + 2 * DECAY)


def squared_error(weight: torch.Tensor, step: float, high: int) -> float:
    return float(((weight / step + 0.5).floor().clamp(-high, high) * step - weight).square().mean())


@pytest.mark.parametrize("bits", [2, 3, 4])
@pytest.mark.parametrize("kind", ["normal", "laplace", "uniform"])
def test_sawb_is_near_the_least_error_for_the_densities_that_it_was_fitted_to(bits: int, kind: str):
    drawn = getattr(np.random.default_rng(5), kind)(*((-1, 1) if kind == "uniform" else (0, 1)), 20000)
    weight = torch.from_numpy(drawn).float()[None]
    quantiser = Sawb(bits, 1)
    quantiser.initialise(weight)
    widest = float(weight.abs().max()) / quantiser.high
    best = min(squared_error(weight, widest * part, quantiser.high) for part in np.linspace(0.05, 1, 200))
    assert squared_error(weight, float(quantiser.scale), quantiser.high) < 1.15 * best
    if kind != "uniform":
        assert squared_error(weight, float(quantiser.scale), quantiser.high) < 0.7 * squared_error(
            weight, widest, quantiser.high
        )


def test_sawb_clips_less_with_more_bits():
    assert coefficients(1)[0] < coefficients(7)[0] < coefficients(127)[0]
    rows = torch.zeros(1, 64)
    rows[0, 0] = 1.0  # like none of the densities
    quantiser = Sawb(4, 1)
    quantiser.initialise(rows)
    assert quantiser.integers(rows)[0, 0] != 0


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_sawb_represents_a_row_of_one_magnitude(bits: int):
    """No density of the fit is like it: the line through them is far below, and negative for few bits."""
    rows = torch.tensor([[0.7, -0.7, -0.7, 0.7]])
    quantiser = Sawb(bits, 1)
    quantiser.initialise(rows)
    assert float(quantiser.scale) == pytest.approx(0.7 / quantiser.high)
    assert quantiser.integers(rows).tolist() == [[high := quantiser.high, -high, -high, high]]


def test_sawb_is_for_weights():
    with pytest.raises(PointwiseError, match="sawb is for weights"):
        Sawb(8, 1, -0.17)
