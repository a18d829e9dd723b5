"""The product is exact wherever it is computed."""

import numpy as np
import pytest
import torch

from pointwise.model.integer import convolution
from pointwise.model.integer.convolution import FLOAT32_EXACT, convolve


@pytest.mark.parametrize("shape", [(1, 1, 1), (197, 3072, 5), (3, 768, 1001)])
def test_exact_at_the_extremes(shape: tuple[int, int, int]):
    tokens, k, n = shape
    rng = np.random.default_rng(k)
    activations = rng.choice([0, 1, 255], (tokens, k))
    weights = rng.choice([-128, -1, 127], (n, k))
    assert (convolve(activations, weights) == activations @ weights.T).all()


@pytest.mark.parametrize(("activation", "weight"), [(255, -128), (-128, -128), (255, 127), (3, 1), (0, 7)])
def test_sums_that_float32_just_holds_or_just_does_not(activation: int, weight: int):
    """Equal signs throughout, and a last term that makes the sum odd, so that a lost bit shows."""
    most = FLOAT32_EXACT // max(1, abs(activation * weight))
    for k in {1, 2, *(parts * most + more for parts in (1, 2, 3, 4) for more in (-1, 0, 1))}:
        if 1 <= k <= 4097:
            activations, weights = np.full((3, k), activation), np.full((2, k), weight)
            activations[1, -1] = weights[1, -1] = 1
            assert (convolve(activations, weights) == activations @ weights.T).all(), k
            # Of several inputs at once too, whose tokens are fewer than they have channels.
            assert (convolve(activations[None], weights) == activations[None] @ weights.T).all(), k


@pytest.mark.parametrize("batch", [(), (2,)])
def test_another_device_gives_the_same_integers(monkeypatch: pytest.MonkeyPatch, batch: tuple[int, ...]):
    """Torch's CPU stands for the GPU: the way there and back, and batches, are the same."""
    rng = np.random.default_rng(0)
    activations, weights = rng.integers(-128, 256, (*batch, 19, 300)), rng.integers(-128, 128, (7, 300))
    expected = convolve(activations, weights)
    asked = []
    monkeypatch.setattr(convolution, "GPU_MACS", 1)
    monkeypatch.setattr(convolution, "gpu", lambda: asked.append(1) or torch.device("cpu"))
    found = convolve(activations, weights)
    assert asked and found.dtype == np.int64
    assert (found == expected).all()
