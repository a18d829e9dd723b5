"""Both paths of every quantiser, and what the base does for one that only has a step."""

import pytest
import torch
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.qat import QUANTISERS, Quantiser
from pointwise.model.qat.base import check_paths, round_through

LEAST = -0.17


def values(channels: int) -> Tensor:
    generator = torch.Generator().manual_seed(channels)
    return torch.randn(channels, 300, generator=generator) * torch.logspace(-2, 1, channels)[:, None]


@pytest.mark.parametrize("name", QUANTISERS)
@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_training_and_inference_say_the_same(name: str, bits: int):
    rows = values(5)
    quantiser = QUANTISERS[name](bits, 5)
    quantiser.initialise(rows)
    for training in (True, False):
        quantiser.train(training)
        trained = quantiser(rows)
        integers = quantiser.integers(rows)
        assert integers.dtype == torch.int64
        assert int(integers.abs().max()) == (1 << (bits - 1)) - 1
        assert torch.equal(integers * quantiser.scale[:, None], trained)


@pytest.mark.parametrize("name", sorted(set(QUANTISERS) - {"sawb"}))
def test_a_least_value_gives_a_zero_point(name: str):
    one = (100 * values(1)).clamp(min=LEAST)
    quantiser = QUANTISERS[name](8, 1, LEAST)
    quantiser.initialise(quantiser.rows(one))
    integers, zero = quantiser.integers(one), quantiser.zero(quantiser.scale)
    assert int(integers.min()) == 0 and int(integers.max()) <= 255 and int(zero) > 0
    assert torch.allclose((integers - zero) * quantiser.scale, quantiser(one), atol=1e-6)
    assert int(quantiser.integers(torch.zeros(1, 3)).unique()) == int(zero)


def test_ties_go_up_and_gradients_pass():
    ties = torch.tensor([-1.5, -0.5, 0.5, 1.5], requires_grad=True)
    rounded = round_through(ties)
    assert rounded.tolist() == [-1.0, 0.0, 1.0, 2.0]
    rounded.sum().backward()
    assert ties.grad.tolist() == [1.0] * 4


class Half(Quantiser):
    """A user's quantiser, as short as they come."""

    def step(self, rows: Tensor) -> Tensor:
        return rows.detach().abs().amax(dim=1) / (2 * self.high)


def test_a_step_is_all_that_a_quantiser_needs():
    rows = values(3).requires_grad_()
    quantiser = Half(4, 3)
    trained = quantiser(rows)
    assert torch.allclose(quantiser.scale, rows.detach().abs().amax(dim=1) / 14)
    trained.sum().backward()
    inside = (rows.detach() / quantiser.scale[:, None] + 0.5).floor().abs() <= 7
    assert torch.equal(rows.grad, inside.float()), "straight through inside of the range, and not beyond it"
    check_paths(quantiser, rows, "rows")


def test_outside_of_training_the_step_stays():
    quantiser = Half(8, 2)
    quantiser(values(2))
    kept = quantiser.scale.clone()
    quantiser.eval()
    quantiser(10 * values(2))
    assert torch.equal(quantiser.scale, kept)


class Forgetful(Half):
    """Trains with a step that it does not leave behind."""

    def forward(self, values: Tensor) -> Tensor:
        return self.fake(self.rows(values), 3 * self.step(self.rows(values))).reshape(values.shape)


class TooWide(Half):
    """Does not clamp."""

    def integers(self, values: Tensor) -> Tensor:
        return 2 * super().integers(values)


class Never(Half):
    """Has a step of no number."""

    def keep(self, step: Tensor) -> Tensor:
        return super().keep(step * torch.nan)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Forgetful, "Forgetful trains rows on other numbers"),
        (TooWide, r"TooWide gives rows integers outside of -7\.\.7"),
        (Never, "Never gives rows a step that is not positive and finite"),
    ],
)
def test_paths_that_differ_are_told(kind: type[Quantiser], words: str):
    quantiser = kind(4, 3)
    with pytest.raises(PointwiseError, match=words):
        check_paths(quantiser, values(3), "rows")


@pytest.mark.parametrize("bits", [1, 9])
def test_bits_that_the_core_has_not_are_refused(bits: int):
    with pytest.raises(PointwiseError, match=f"A quantiser of {bits} bits"):
        Half(bits)
