"""Made-up weights and images that behave like trained ones, for running any DeiT without a checkpoint.

What makes trained transformers hard to quantise is put in on purpose: a few channels of the
residual stream are up to `OUTLIER_FACTOR` times as large as the others, LayerNorm's gammas have
outliers of their own, heads attend with different sharpness, and logits spread as a classifier's do
(for the outliers see Lin et al., *FQ-ViT*, IJCAI 2022, figure 1, and Sun et al., *Massive
Activations in Large Language Models*, COLM 2024). The network computes nothing useful: an accuracy
measured on it means nothing, an agreement between float and integer arithmetic does.

All scales follow from the expected size of what each layer takes in, so that nothing has to be
measured, and every tensor depends on the seed, its own name and its own shape only.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pointwise.model.checkpoints import Checkpoint
from pointwise.model.networks import DeiTConfig, expected_shapes

OUTLIER_FACTOR = 40.0
"""The largest channel of the residual stream over an ordinary one."""

OUTLIER_SHARE = 0.02
"""Share of the channels of the residual stream that are outliers; at least one is."""

GAMMA_OUTLIER = 5.0
"""The largest gamma over an ordinary one, beyond what the outlier channels ask for."""

EMBEDDING_SIZE = 1.0
"""Root mean square of an ordinary channel of the patch embedding."""

TOKEN_SIZE = 0.25
"""Root mean square of an ordinary channel of the class token, the distillation token and the position."""

BLOCK_GAIN = 0.5
"""Root mean square that one attention or feed-forward adds to an ordinary channel."""

SHARPNESS = (0.9, 1.7)
"""Standard deviation of q and of k in the bluntest and the sharpest head: scores spread by its square."""

VALUE_SIZE = 0.9
"""Root mean square of attention's result, where q, k and v come in at 1: averaging makes it smaller."""

GELU_SIZE = 0.65
"""Root mean square of GELU's result, where its operand has that of 1."""

LOGIT_SPREAD = 2.0
"""Standard deviation of the logits of an image."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Normalisation of the DeiT authors' release, per colour."""


def synthetic_checkpoint(config: DeiTConfig, seed: int = 0) -> Checkpoint:
    """Return made-up weights for ``config``; equal seeds give equal weights.

    Args:
        config: any network.
        seed: 0 or more.
    """
    state = {}
    for name, shape in expected_shapes(config).items():
        tensor = _tensor(config, seed, name, shape)
        state[name] = torch.from_numpy(np.ascontiguousarray(tensor, dtype=np.float32))
    return Checkpoint(config, state, {"synthetic": True, "seed": seed})


def synthetic_images(config: DeiTConfig, count: int, seed: int = 0) -> Tensor:
    """Return made-up images for ``config``, normalised, float32 [count, in_channels, S, S].

    Like photographs they are smooth at large and rough at small (amplitude falls with spatial
    frequency), use 8-bit pixels, and differ in brightness and colour. Image i is the same however
    many are asked for.
    """
    size, channels = config.image_size, config.in_channels
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :]) * size
    mean, std = (np.resize(values, channels)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    images = []
    for index in range(count):
        rng = np.random.default_rng([seed, index, zlib.crc32(b"image")])
        # What the colours have in common, and what each has of its own.
        noise = rng.standard_normal((1, size, size)) + 0.5 * rng.standard_normal((channels, size, size))
        texture = np.fft.irfft2(np.fft.rfft2(noise) / np.maximum(frequency, 1), s=(size, size))
        texture /= texture.std()
        brightness = rng.uniform(-1, 1) + 0.5 * rng.standard_normal((channels, 1, 1))
        pixels = np.clip(np.rint(255 * (mean + std * (texture + brightness))), 0, 255)
        images.append((pixels / 255 - mean) / std)
    return torch.from_numpy(np.stack(images).astype(np.float32))


def _rng(seed: int, name: str) -> np.random.Generator:
    """Return a generator that depends on the seed and a name, and not on what was drawn before."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


@dataclass(frozen=True)
class _Residual:
    """What the channels of the residual stream hold, relative to an ordinary one; each array is [dim].

    It is the same from the embedding to the last norm, as it is in trained networks. There an outlier
    channel holds nearly the same number for all tokens and images. That is also what keeps the network
    steady: an outlier that crossed zero would take LayerNorm's divisor with it.
    """

    constant: NDArray[np.float64]
    varying: NDArray[np.float64]

    @property
    def size(self) -> NDArray[np.float64]:
        """Root mean square."""
        return np.hypot(self.constant, self.varying)


def _outliers(config: DeiTConfig) -> int:
    """Return how many channels are outliers."""
    return max(1, round(OUTLIER_SHARE * config.dim))


def _residual(config: DeiTConfig, seed: int) -> _Residual:
    """Return the profile of the residual stream."""
    rng = _rng(seed, "residual")
    varying = rng.lognormal(0, 0.2, config.dim)
    constant = np.zeros(config.dim)
    count = _outliers(config)
    outliers = rng.permutation(config.dim)[:count]
    constant[outliers] = np.geomspace(OUTLIER_FACTOR, OUTLIER_FACTOR / 5, count) * rng.choice([-1, 1], count)
    varying[outliers] = 0.1 * np.abs(constant[outliers])
    return _Residual(constant, varying)


def _stream_size(additions: int) -> float:
    """Return the root mean square of an ordinary channel after so many residual additions."""
    return math.sqrt(EMBEDDING_SIZE**2 + TOKEN_SIZE**2 + additions * BLOCK_GAIN**2)


def _norm_output(config: DeiTConfig, seed: int, norm: str) -> NDArray[np.float64]:
    """Return the expected root mean square of each channel behind a LayerNorm, [dim].

    Training makes gamma small where the residual stream is large, though not small enough to even
    it out: 0.3 of the outlier, in decibels, comes through. Other channels are emphasised.
    """
    rng = _rng(seed, f"{norm} output")
    residual = _residual(config, seed)
    size = rng.lognormal(0, 0.3, config.dim) * residual.size**0.3
    ordinary = np.flatnonzero(residual.constant == 0)
    emphasised = rng.permutation(ordinary)[: _outliers(config)]
    size[emphasised] = np.geomspace(GAMMA_OUTLIER, GAMMA_OUTLIER / 2, len(emphasised))
    return size


def _tensor(config: DeiTConfig, seed: int, name: str, shape: tuple[int, ...]) -> NDArray[np.floating]:
    """Return one tensor of the checkpoint."""
    rng = _rng(seed, name)
    normal = partial(rng.standard_normal, dtype=np.float32)
    layer, _, kind = name.rpartition(".")
    block, _, part = layer.rpartition(".")
    residual = _residual(config, seed)

    def rows(inputs: NDArray[np.float64] | float, count: int) -> NDArray[np.float32]:
        """Return a matrix whose rows turn ``count`` inputs of that root mean square into 1, more or less."""
        unevenness = rng.lognormal(0, 0.2, (shape[0], 1))
        return normal((shape[0], count)) * (unevenness / np.sqrt(np.mean(np.square(inputs)) * count))

    if name in ("cls_token", "dist_token", "pos_embed"):
        constant = residual.constant * _stream_size(0) if name == "pos_embed" else 0
        return normal(shape) * (TOKEN_SIZE * residual.varying) + constant
    if "norm" in layer:
        size = _norm_output(config, seed, layer)
        if kind == "bias":
            return normal(shape) * 0.1 * size
        # LayerNorm itself divides by the root mean square of all channels.
        return size * np.sqrt(np.mean(residual.size**2)) / residual.size
    if layer == "patch_embed.proj":
        matrix, gain = partial(rows, 1.0, config.patch_dim), EMBEDDING_SIZE * residual.varying
    elif part == "qkv":
        matrix = partial(rows, _norm_output(config, seed, f"{block.removesuffix('.attn')}.norm1"), config.dim)
        sharpness = rng.permutation(np.linspace(*SHARPNESS, config.heads)).repeat(config.head_dim)
        gain = np.concatenate([sharpness, sharpness, np.ones(config.dim)])
    elif part == "proj":
        matrix, gain = partial(rows, VALUE_SIZE, config.dim), BLOCK_GAIN * residual.varying
    elif part == "fc1":
        matrix = partial(rows, _norm_output(config, seed, f"{block.removesuffix('.mlp')}.norm2"), config.dim)
        gain = np.ones(config.hidden)
    elif part == "fc2":
        matrix, gain = partial(rows, GELU_SIZE, config.hidden), BLOCK_GAIN * residual.varying
    else:
        matrix = partial(rows, _norm_output(config, seed, "norm"), config.dim)
        gain = np.full(config.classes, LOGIT_SPREAD)
    if kind == "bias":
        bias = normal(shape) * 0.1 * gain
        if part == "fc2":
            # The outliers grow from block to block at the pace of the others.
            index = int(layer.split(".")[1])
            bias += residual.constant * (_stream_size(2 * index + 2) - _stream_size(2 * index))
        return bias
    weight = matrix()
    if part == "fc2":
        # GELU's results have a positive mean, which would add the same vector whatever the image.
        weight -= weight.mean(1, keepdims=True)
    return (weight * gain[:, None]).reshape(shape)
