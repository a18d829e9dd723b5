"""The product is exact wherever it is computed."""

import numpy as np
import pytest
import torch

from model.integer import convolution
from model.integer.convolution import convolve


@pytest.mark.parametrize("shape", [(1, 1, 1), (197, 3072, 5), (3, 768, 1001)])
def test_exact_at_the_extremes(shape: tuple[int, int, int]):
    tokens, k, n = shape
    rng = np.random.default_rng(k)
    activations = rng.choice([0, 1, 255], (tokens, k))
    weights = rng.choice([-128, -1, 127], (n, k))
    assert (convolve(activations, weights) == activations @ weights.T).all()


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
