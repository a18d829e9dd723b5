"""Calibration: run the float network on images and record every tensor that becomes an integer.

The names of the records, with their channels, for a network of ``depth`` blocks of dimension H:

====================================  ============  ====================================================
``pixels``                            colours       normalised input pixels
``patches``                           patch²·c      the same, a row for each patch
``blocks.i.norm1``, ``…norm2``        H             x̂ = (x − μ)/σ, in front of γ and β
``norm``                              H             the same of the last LayerNorm
``residual``                          1             the residual stream in front of every LayerNorm
``blocks.i.attn.q``                   H             queries, head by head
``blocks.i.attn.k``, ``…v``           H             keys, and values, head by head
``blocks.i.attn.context``             H             attention output in front of the projection
``blocks.i.mlp.act.input``            1             GELU input
``blocks.i.mlp.act``                  hidden        GELU output
``logits``                            1             logits of every head
====================================  ============  ====================================================

Of the last block's tokens only the class token (and the distillation token) reach the logits. Behind its keys
and values nothing else is recorded, provided that there are enough images: what the other tokens become there
is worth no range.
"""

from collections.abc import Callable, Collection

import numpy as np
import torch
from torch import Tensor, nn

from hw.contract.errors import PointwiseError
from model.deit import DeiT
from model.networks import DeiTConfig

from .ranges import RangeObserver, range_method
from .ranges.histogram import ChannelHistogram
from .ranges.minmax import MinMax
from .recipe import Recipe
from .records import AttentionSample, Observations, TensorRecord

ENOUGH_IMAGES = 64
"""From so many images on, class tokens alone tell the ranges of the last block; else all tokens do."""
FEW_MARGIN = 1 / 2
"""Part by which the ranges of single channels are widened there: a hundred samples of a normal distribution
reach 2.5 deviations, and thousands of images reach further."""
SAMPLE_TOKENS = 8192
"""About how many tokens' keys are kept of each attention, from images spread over all of them."""
SAMPLE_ROWS = 32
"""Queries that are kept of each of those images, the class token's among them."""

GRID_SIZE = 256
"""Pixels that came from 8-bit files take at most that many values in each colour."""


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
    every = -(-len(images) * net.config.tokens // SAMPLE_TOKENS)
    reaching = net.config.prefix_tokens if len(images) >= ENOUGH_IMAGES else net.config.tokens
    handles = watch.attach(net, reaching)
    try:
        with torch.inference_mode():
            for start in range(0, len(images), batch):
                part = images[start : start + batch]
                watch.pixels(part)
                watch.sampled = [index for index in range(len(part)) if (start + index) % every == 0]
                for logits in net.forward_heads(part):
                    watch.record("logits", logits.reshape(-1, 1), MinMax)
                seen.images += len(part)
                if progress:
                    progress(seen.images, len(images))
    finally:
        for handle in handles:
            handle.remove()
    return seen


class _Watch:
    """The forward hooks that fill ``Observations``."""

    def __init__(self, seen: Observations, recipe: Recipe, config: DeiTConfig) -> None:
        self.seen, self.recipe, self.config = seen, recipe, config
        self.sampled: list[int] = []
        """Images of the present batch whose queries and keys are kept."""
        self.few: set[str] = set()
        """Records that see one token or two of each image, and so hardly see the tails of a channel."""

    def record(
        self,
        name: str,
        values: Tensor,
        method: type[RangeObserver] = MinMax,
        groups: int | None = None,
        readers: Collection[str] = (),
    ) -> None:
        """Give (samples, channels) to the record of that name.

        Args:
            groups: equal parts of the channels with a range of their own; every channel unless given.
            readers: layers whose weights are rounded by the second moments.
        """
        if name not in self.seen.records:
            channels = values.shape[1]
            second = any(self.recipe[reader].rounding != "nearest" for reader in readers)
            margin = FEW_MARGIN if name in self.few else 0.0
            self.seen.records[name] = TensorRecord(name, method(groups or channels), channels, second, margin)
        self.seen.records[name].update(values)

    def method(self, layer: str) -> type[RangeObserver]:
        """The range method of that layer."""
        return range_method(self.recipe[layer].range)

    def part(self, name: str, values: Tensor, layer: str, readers: Collection[str] = ()) -> None:
        """Record a part of an attention, whose recipe says what shares a range."""
        groups = {"tensor": 1, "head": self.config.heads, "channel": None}[self.recipe[layer].granularity]
        self.record(name, values, self.method(layer), groups, readers)

    def attach(self, net: DeiT, reaching: int) -> list[torch.utils.hooks.RemovableHandle]:
        """Put the hooks in place; ``reaching`` first tokens of the last block are worth recording."""
        config = net.config
        if reaching < config.tokens:
            last = f"blocks.{config.depth - 1}"
            self.few = {f"{last}.attn.q", f"{last}.norm2", "norm"}
        heads = ["head", "head_dist"] if config.distilled else ["head"]
        handles = [net.norm.register_forward_pre_hook(self._norm("norm", reaching, heads))]
        for index, block in enumerate(net.blocks):
            name = f"blocks.{index}"
            tokens = config.tokens if index < config.depth - 1 else reaching
            handles += [
                block.norm1.register_forward_pre_hook(
                    self._norm(f"{name}.norm1", config.tokens, [f"{name}.attn.{letter}" for letter in "qkv"])
                ),
                *self._attention(f"{name}.attn", block.attn, tokens),
                block.norm2.register_forward_pre_hook(
                    self._norm(f"{name}.norm2", tokens, [f"{name}.mlp.fc1"])
                ),
                block.mlp.act.register_forward_hook(self._gelu(f"{name}.mlp.act", tokens)),
            ]
        return handles

    def pixels(self, images: Tensor) -> None:
        self.record("pixels", images.transpose(0, 1).flatten(1).T, self.method("image"))
        patch = self.config.patch
        patches = torch.nn.functional.unfold(images, patch, stride=patch).transpose(1, 2).flatten(0, 1)
        self.record("patches", patches, groups=1, readers=["patch_embed"])
        for colour, grid in enumerate(self.seen.grids):
            if grid is not None:
                grid = np.union1d(grid, images[:, colour].numpy())
                self.seen.grids[colour] = grid if len(grid) <= GRID_SIZE else None

    def _norm(self, name: str, tokens: int, readers: Collection[str]) -> Callable[..., None]:
        """A hook for the input of a LayerNorm; x̂ is recorded for its first ``tokens`` tokens."""

        def hook(module: nn.Module, inputs: tuple[Tensor]) -> None:
            x = inputs[0].double()
            self.record("residual", x.reshape(-1, 1), MinMax)
            x = x[:, :tokens]
            centred = x - x.mean(dim=-1, keepdim=True)
            deviation = (centred.square().mean(dim=-1, keepdim=True) + module.eps).sqrt()
            self.record(name, (centred / deviation).flatten(0, 1).float(), self.method(name), None, readers)

        return hook

    def _gelu(self, name: str, tokens: int) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
            values = inputs[0][:, :tokens].reshape(-1, 1)
            block = name.removesuffix(".act")
            self.record(f"{name}.input", values, self.method(f"{block}.fc1"))
            self.record(name, output[:, :tokens].flatten(0, 1), groups=1, readers=[f"{block}.fc2"])
            self.seen.gelu_inputs.setdefault(name, ChannelHistogram(1)).update(values)

        return hook

    def _attention(
        self, name: str, attention: nn.Module, tokens: int
    ) -> list[torch.utils.hooks.RemovableHandle]:
        """Hooks for one attention, of whose queries and context the first ``tokens`` tokens are recorded."""
        rows = np.unique(np.linspace(0, tokens - 1, min(tokens, SAMPLE_ROWS)).astype(np.int64))

        def on_qkv(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
            width = output.shape[-1] // 3
            self.part(f"{name}.q", output[:, :tokens, :width].flatten(0, 1), f"{name}.q")
            self.part(f"{name}.k", output[..., width : 2 * width].flatten(0, 1), f"{name}.k")
            self.part(f"{name}.v", output[..., 2 * width :].flatten(0, 1), f"{name}.v")
            q, k, _ = output[self.sampled].unflatten(-1, (3, attention.heads, -1)).transpose(1, 3).unbind(2)
            self.seen.attention.setdefault(name, AttentionSample()).add(q[:, :, rows], k)

        def on_context(module: nn.Module, inputs: tuple[Tensor]) -> None:
            context = inputs[0][:, :tokens].flatten(0, 1)
            self.part(f"{name}.context", context, f"{name}.o", [f"{name}.proj"])

        return [
            attention.qkv.register_forward_hook(on_qkv),
            attention.proj.register_forward_pre_hook(on_context),
        ]
