"""Images to int8 tokens: exact where pixels lie on a grid, and in the order of a flattened kernel."""

import numpy as np
import pytest
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model import digits
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise import patchify
from pointwise.model.quantise.inputs import pixel_scales
from pointwise.model.quantise.ranges.minmax import MinMax
from pointwise.model.quantise.recorder import GRID_SIZE
from pointwise.model.quantise.statistics import TensorObserver
from pointwise.model.synthetic import IMAGENET_MEAN, IMAGENET_STD, synthetic_checkpoint, synthetic_images

CONFIG = DeiTConfig(
    image_size=6, patch=2, in_channels=3, dim=8, depth=1, heads=2, mlp_ratio=2, classes=4, distilled=True
)


def scales_of(images: np.ndarray):
    record = TensorObserver("pixels", MinMax(images.shape[1]))
    record.update(torch.from_numpy(images).transpose(0, 1).flatten(1).T)
    grids = [np.unique(images[:, colour]) for colour in range(images.shape[1])]
    return pixel_scales(record, [grid if len(grid) <= GRID_SIZE else None for grid in grids])


def test_digits_are_exact_without_an_offset():
    images = digits.load().calibration.normalised()
    scales = scales_of(images)
    assert scales.scale.tolist() == [0.125]
    assert scales.offset.tolist() == [0.0]


def test_8_bit_photographs_are_exact_after_normalisation():
    pixels = np.arange(256, dtype=np.float32).reshape(1, 1, 16, 16)
    mean, std = (np.array(v, np.float32)[:, None, None] for v in (IMAGENET_MEAN, IMAGENET_STD))
    images = (pixels / 255 - mean) / std
    scales = scales_of(images)
    assert np.allclose(scales.scale, 1 / 255 / np.array(IMAGENET_STD), rtol=1e-5)
    integers = (images - scales.offset[:, None, None]) / scales.scale[:, None, None]
    assert np.abs(integers - np.broadcast_to(pixels - 128, images.shape)).max() < 0.01


def test_pixels_on_no_grid_cover_their_range():
    images = np.random.default_rng(3).uniform(-1.5, 2.5, (4, 2, 8, 8)).astype(np.float32)
    scales = scales_of(images)
    low, high = images.min(axis=(0, 2, 3)), images.max(axis=(0, 2, 3))
    assert np.allclose((low - scales.offset) / scales.scale, -128)
    assert np.allclose((high - scales.offset) / scales.scale, 127)


@pytest.fixture(scope="module")
def network():
    return DeiTNetwork(CONFIG, synthetic_checkpoint(CONFIG).state).quantise(synthetic_images(CONFIG, 4))


def test_patches_are_in_the_order_of_a_flattened_kernel(network):
    images = synthetic_images(CONFIG, 2)
    tokens = patchify(network, images.numpy())
    assert tokens.dtype == np.int8
    assert tokens.shape == (2, CONFIG.tokens, CONFIG.patch_dim)
    assert not tokens[:, : CONFIG.prefix_tokens].any()
    geometry = network.info["input"]
    unfolded = torch.nn.functional.unfold(images, 2, stride=2).transpose(1, 2).numpy()
    scale, offset = (np.repeat(geometry[name], 4) for name in ("scale", "offset"))
    assert np.allclose(tokens[:, 2:] * scale + offset, unfolded, atol=geometry["scale"][0] / 2 + 1e-6)


def test_pixels_beyond_the_range_are_clamped(network):
    tokens = patchify(network, np.full((1, 3, 6, 6), 1e9))
    assert (tokens[:, 2:] == 127).all()


@pytest.mark.parametrize("shape", [(3, 6, 6), (1, 3, 6, 8), (1, 1, 6, 6)])
def test_images_of_another_shape_are_told_in_a_sentence(network, shape):
    with pytest.raises(PointwiseError, match="images have the shape"):
        patchify(network, np.zeros(shape))
