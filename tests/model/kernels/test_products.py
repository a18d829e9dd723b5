"""Exact products: extremes, and sums that float32 just holds or just does not."""

import numpy as np
import pytest
import torch

from pointwise.model.integer.convolution import FLOAT32_EXACT, convolve
from pointwise.model.integer.requantise import requantise
from pointwise.model.integer.rounding import INT8, INT16, UINT8
from pointwise.model.integer.softmax import divide
from pointwise.model.kernels import products
from pointwise.model.kernels.products import Product, matmul
from pointwise.model.kernels.requantisation import Requantisation, divided

CPU = torch.device("cpu")
LIMITS = {"int8": INT8, "uint8": UINT8, "int16": INT16}


@pytest.mark.parametrize("of_bytes", [True, False])
@pytest.mark.parametrize(("dtype", "value"), [("uint8", 255), ("int8", -128), ("int8", 127)])
@pytest.mark.parametrize("weight", [-128, 127, 1])
def test_all_the_same(of_bytes: bool, dtype: str, value: int, weight: int, monkeypatch) -> None:
    """Equal signs throughout, and a last term that makes the sum odd, so that a lost bit shows."""
    if not of_bytes:
        monkeypatch.setattr(products, "has_byte_products", lambda device: False)
    most = FLOAT32_EXACT // abs(value * weight)
    for k in {1, 2, 512, 4096, *(parts * most + more for parts in (1, 2, 3) for more in (-1, 0, 1))}:
        if 1 <= k <= 4608:
            values, weights = np.full((3, k), value), np.full((2, k), weight)
            values[1, -1] = weights[1, -1] = 1
            product = Product(weights, dtype, CPU)
            found = product(torch.from_numpy(values.astype(dtype))).to(torch.int64).numpy() + product.offset
            assert (found == convolve(values, weights)).all(), k


@pytest.mark.parametrize("k", [1, 64, 513, 514, 515, 1030, 4096])
def test_products_of_two_values(k: int) -> None:
    left, right = np.full((2, 3, k), 255, np.uint8), np.full((2, k, 5), -128, np.int8)
    left[0, 1, -1] = right[0, -1, 2] = 1
    found = matmul(torch.from_numpy(left), torch.from_numpy(right), 255 * 128).to(torch.int64).numpy()
    assert (found == left.astype(np.int64) @ right.astype(np.int64)).all()


@pytest.mark.parametrize("dtype", LIMITS)
def test_requantisation(dtype: str) -> None:
    """All of its range: sums and biases of 32 bits, factors of 16, shifts of 1 to 47, and halves."""
    rng = np.random.default_rng(1)
    n = 2000
    ends = np.array([-(1 << 31), (1 << 31) - 1, 0, 1, -1])
    acc = rng.integers(-(1 << 31), 1 << 31, (9, n))
    acc = np.where(rng.random((9, n)) < 0.2, rng.choice(ends, (9, n)), acc)
    acc[:4] = rng.integers(-(1 << 14), 1 << 14, (4, n))
    bias = np.where(rng.random(n) < 0.2, rng.choice(ends, n), rng.integers(-5000, 5000, n))
    mult, shift = rng.integers(0, 65536, n), rng.integers(1, 48, n)
    mult[: n // 4], shift[: n // 4] = 1, rng.integers(1, 8, n // 4)
    found = Requantisation(bias, mult, shift, dtype, CPU)(torch.from_numpy(acc.astype(np.int32)))
    assert str(found.dtype) == f"torch.{dtype}"
    assert np.array_equal(found.numpy(), requantise(acc, bias, mult, shift, LIMITS[dtype]))


def test_division_by_sums() -> None:
    rng = np.random.default_rng(2)
    exponentials = rng.integers(0, 256, (3, 50, 300))
    exponentials[0, 0], exponentials[0, 1] = 0, 255
    total = exponentials.sum(axis=-1)
    acc = rng.integers(-128, 128, (3, 50, 7)) * total[..., None] + rng.integers(-3, 4, (3, 50, 7))
    found = divided(torch.from_numpy(acc), torch.from_numpy(exponentials).float())
    assert np.array_equal(found.numpy(), divide(acc, total))
