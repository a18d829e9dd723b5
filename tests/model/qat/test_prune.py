"""N:M pruning."""

import pytest
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.qat.prune import DECAY, Pruner


@pytest.mark.parametrize(
    ("text", "keep", "group"), [("2:4", 2, 4), ("1:4", 1, 4), ("4:8", 4, 8), ("3:3", 3, 3)]
)
@pytest.mark.parametrize("channels", [16, 18, 3])
def test_the_largest_of_every_group_stay(text: str, keep: int, group: int, channels: int):
    weight = torch.randn(7, channels, generator=torch.Generator().manual_seed(channels))
    cut = Pruner.parse(text)(weight)
    for first in range(0, channels, group):
        before, after = weight[:, first : first + group], cut[:, first : first + group]
        assert ((after != 0).sum(dim=1) == min(keep, before.shape[1])).all()
        assert (after[after != 0] == before[after != 0]).all()
        least = torch.where(after != 0, after.abs(), torch.inf).amin(dim=1)
        assert (torch.where(after == 0, before.abs(), 0).amax(dim=1) <= least).all()


def test_of_equal_weights_the_first_stay():
    assert Pruner(2, 4).mask(torch.ones(1, 6)).tolist() == [[1, 1, 0, 0, 1, 1]]


def test_what_is_cut_keeps_its_gradient_and_shrinks():
    weight = torch.tensor([[4.0, -3.0, 2.0, 1.0]], requires_grad=True)
    Pruner(2, 4)(weight).sum().backward()
    assert weight.grad[0].tolist() == pytest.approx([1, 1, 1 + 2 * DECAY, 1 + DECAY])


def test_kernels_are_rows_of_channels():
    assert Pruner(1, 4).mask(torch.arange(16.0).reshape(2, 2, 2, 2)).flatten(1).sum(dim=1).tolist() == [2, 2]


@pytest.mark.parametrize("text", ["2/4", "", "a:b", "-1:4"])
def test_other_texts_are_refused(text: str):
    with pytest.raises(PointwiseError, match="write it as N:M"):
        Pruner.parse(text)


@pytest.mark.parametrize("text", ["0:4", "5:4"])
def test_n_is_from_1_to_m(text: str):
    with pytest.raises(PointwiseError, match=f"Pruning {text}"):
        Pruner.parse(text)
