"""Calibration: run the float network on images and record every tensor that becomes an integer.

The names of the records, with their channels, for a network of ``depth`` blocks of dimension H:

====================================  ============  ====================================================
``pixels``                            colours       normalised input pixels
``patches``                           patch²·c      the same, a row for each patch
``blocks.i.norm1``, ``…norm2``        H             x̂ = (x − μ)/σ, in front of γ and β
``norm``                              H             the same of the last LayerNorm
``x``                                 1             the residual stream in front of every LayerNorm
``blocks.i.attn.q``                   H             queries, head by head
``blocks.i.attn.k``, ``…v``           H             keys, and values, head by head
``blocks.i.attn.context``             H             attention output in front of the projection
``blocks.i.mlp.act.input``            1             GELU input
``blocks.i.mlp.act``                  hidden        GELU output
``head``                              1             logits of every head
====================================  ============  ====================================================
"""

from collections.abc import Callable, Collection

import numpy as np
import torch
from torch import Tensor, nn

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.deit import DeiT
from pointwise.model.networks import DeiTConfig

from .inputs import PIXELS, ROWS
from .ranges.minmax import MinMax
from .recipe import Recipe
from .recorder import Recorder, sample_every, sampled_rows
from .records import AttentionSample, Observations


def check_images(images: np.ndarray | Tensor, net: DeiT, purpose: str) -> Tensor:
    """Return images as float32 (B, colours, S, S).

    Args:
        purpose: what they are for ("calibration", "evaluation"), for the message.

    Raises:
        PointwiseError: they are none, of another shape, or not finite.
    """
    config = net.config
    shape = (config.in_channels, config.image_size, config.image_size)
    images = torch.as_tensor(images)
    if images.ndim != 4 or tuple(images.shape[1:]) != shape or len(images) == 0:
        raise PointwiseError(
            f"The {purpose} images have the shape {tuple(images.shape)}, but the network takes at least one "
            f"image as (images, {shape[0]}, {shape[1]}, {shape[2]}); choose images of that size."
        )
    images = images.to(torch.float32)
    if not bool(torch.isfinite(images).all()):
        raise PointwiseError(
            f"The {purpose} images hold values that are not finite; normalise them to ordinary numbers."
        )
    return images


def observe(
    net: DeiT,
    images: np.ndarray | Tensor,
    recipe: Recipe | None = None,
    batch: int = 16,
    progress: Callable[[int, int], None] | None = None,
) -> Observations:
    """Run the float network on calibration images and return what was seen.

    Args:
        net: the network, in inference mode. images: (B, colours, S, S), normalised as the network takes them.
        recipe: tells the range method of everything that becomes 8 bits, and whether rounding the weights
            that read it wants second moments. The residual stream and the logits, of 16 bits, always keep
            their full range.
        batch: images at a time. progress: called with (images done, images in all) after each batch.

    Raises:
        PointwiseError: the images do not fit the network, or a value is not finite.
    """
    images = check_images(images, net, "calibration")
    seen = Observations(grids=[np.empty(0, np.float32)] * net.config.in_channels)
    watch = _Watch(seen, recipe or Recipe(), net.config)
    every = sample_every(len(images), net.config.tokens)
    handles = watch.attach(net)
    try:
        with torch.inference_mode():
            for start in range(0, len(images), batch):
                part = images[start : start + batch]
                watch.pixels(part)
                watch.sampled = [index for index in range(len(part)) if (start + index) % every == 0]
                for logits in net.forward_heads(part):
                    watch.record("head", logits.reshape(-1, 1), MinMax)
                seen.images += len(part)
                if progress:
                    progress(seen.images, len(images))
    finally:
        for handle in handles:
            handle.remove()
    return seen


class _Watch(Recorder):
    """The forward hooks that fill ``Observations``."""

    def __init__(self, seen: Observations, recipe: Recipe, config: DeiTConfig) -> None:
        super().__init__(seen, recipe)
        self.config = config
        self.sampled: list[int] = []
        """Images of the present batch whose queries, keys and values are kept."""

    def attach(self, net: DeiT) -> list[torch.utils.hooks.RemovableHandle]:
        """Put the hooks in place."""
        config = net.config
        heads = ["head", "head_dist"] if config.distilled else ["head"]
        handles = [net.norm.register_forward_pre_hook(self._norm("norm", heads))]
        for index, block in enumerate(net.blocks):
            name = f"blocks.{index}"
            handles += [
                block.norm1.register_forward_pre_hook(
                    self._norm(f"{name}.norm1", [f"{name}.attn.{letter}" for letter in "qkv"])
                ),
                *self._attention(f"{name}.attn", block.attn),
                block.norm2.register_forward_pre_hook(self._norm(f"{name}.norm2", [f"{name}.mlp.fc1"])),
                block.mlp.act.register_forward_hook(self._gelu(f"{name}.mlp.act")),
            ]
        return handles

    def pixels(self, images: Tensor) -> None:
        self.record(PIXELS, images.transpose(0, 1).flatten(1).T, self.method("image"))
        patch = self.config.patch
        patches = torch.nn.functional.unfold(images, patch, stride=patch).transpose(1, 2).flatten(0, 1)
        self.record(ROWS, patches, groups=1, readers=["patch_embed"])
        for colour in range(images.shape[1]):
            self.grid(colour, images[:, colour].numpy())

    def _norm(self, name: str, readers: Collection[str]) -> Callable[..., None]:
        """A hook for the input of a LayerNorm."""

        def hook(module: nn.Module, inputs: tuple[Tensor]) -> None:
            x = inputs[0].double()
            self.record("x", x.reshape(-1, 1), MinMax)
            self.norm(name, x, module.eps, name, readers)

        return hook

    def _gelu(self, name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
            block = name.removesuffix(".act")
            readers = [f"{block}.fc2"]
            self.activation(name, inputs[0], output, f"{block}.fc1", readers)

        return hook

    def _attention(self, name: str, attention: nn.Module) -> list[torch.utils.hooks.RemovableHandle]:
        """Hooks for one attention."""
        rows = sampled_rows(self.config.tokens)

        def on_qkv(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
            width = output.shape[-1] // 3
            self.part(f"{name}.q", output[..., :width].flatten(0, 1), f"{name}.q", attention.heads)
            self.part(f"{name}.k", output[..., width : 2 * width].flatten(0, 1), f"{name}.k", attention.heads)
            self.part(f"{name}.v", output[..., 2 * width :].flatten(0, 1), f"{name}.v", attention.heads)
            q, k, v = output[self.sampled].unflatten(-1, (3, attention.heads, -1)).transpose(1, 3).unbind(2)
            self.seen.attention.setdefault(f"{name}.s", AttentionSample()).add(q[:, :, rows], k, v)

        def on_context(module: nn.Module, inputs: tuple[Tensor]) -> None:
            context = inputs[0].flatten(0, 1)
            self.part(f"{name}.context", context, f"{name}.o", attention.heads, [f"{name}.proj"])

        return [
            attention.qkv.register_forward_hook(on_qkv),
            attention.proj.register_forward_pre_hook(on_context),
        ]
