"""What a DeiT is: its dimensions, the tensors that it needs and the work that it does.

Plain Python, so that a compiler or a report can ask for shapes without importing torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from pointwise.hw.contract.errors import PointwiseError, shown

MOST_BLOCKS, MOST = 4096, 1 << 20
"""Blocks of a network, and of anything else: far more than any has, lest a file make us count for ever."""
LAYER_NORM_EPS = 1e-6
"""The constant under the square root of LayerNorm, as in the DeiT authors' release."""


@dataclass(frozen=True)
class DeiTConfig:
    """Dimensions of one DeiT (Touvron et al., ICML 2021), checked when it is made.

    Attributes:
        image_size: height and width of the square image, in pixels; a multiple of ``patch``.
        patch: height and width of a patch, in pixels.
        in_channels: colour channels of the image.
        dim: channels of the residual stream (H in the papers); a multiple of ``heads``.
        depth: number of transformer blocks.
        heads: attention heads of a block.
        mlp_ratio: hidden channels of the feed-forward network over ``dim``.
        classes: number of logits.
        distilled: a distillation token and a second head are there.
        norm_eps: the constant under the square root of every LayerNorm.

    Raises:
        PointwiseError: a dimension is not a positive whole number, or two do not divide.
    """

    image_size: int
    patch: int
    in_channels: int
    dim: int
    depth: int
    heads: int
    mlp_ratio: float
    classes: int
    distilled: bool = False
    norm_eps: float = LAYER_NORM_EPS

    def __post_init__(self) -> None:
        # By hand, not by a Form, for the same reason as in ``CoreConfig``: shapes are asked for without it.
        for name in ("image_size", "patch", "in_channels", "dim", "depth", "heads", "classes"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise PointwiseError(
                    f"The network's {name} is {shown(value)}, but it must be a whole number of at least 1."
                )
            if value > (most := MOST_BLOCKS if name == "depth" else MOST):
                raise PointwiseError(f"The network's {name} is {shown(value)}, but {most:,} is the most.")
        if not isinstance(self.distilled, bool):
            raise PointwiseError(
                f"The network's distilled is {shown(self.distilled)}, but it must be true or false."
            )
        if isinstance(self.mlp_ratio, bool) or not isinstance(self.mlp_ratio, int | float):
            raise PointwiseError(
                f"The network's mlp_ratio is {shown(self.mlp_ratio)}, but it must be a number."
            )
        # One that is larger than a float can be is none.
        hidden = self.dim * self.mlp_ratio if abs(self.mlp_ratio) < 2**31 else math.inf
        # A ratio that was computed as hidden / dim may miss the whole number by a rounding.
        if not 1 <= hidden < 2**31 or abs(hidden - round(hidden)) > 1e-9 * hidden:
            raise PointwiseError(
                f"The network's mlp_ratio {self.mlp_ratio} times its dim {self.dim} is {hidden}, "
                "but the hidden width must be a whole number of at least 1."
            )
        if (
            isinstance(self.norm_eps, bool)
            or not isinstance(self.norm_eps, int | float)
            or not 0 <= self.norm_eps < 1
        ):
            raise PointwiseError(
                f"The network's norm_eps is {shown(self.norm_eps)}, but it must be a number of 0 to 1."
            )
        if self.image_size % self.patch:
            raise PointwiseError(
                f"The network's image_size {self.image_size} does not divide into patches of {self.patch}; "
                "choose a patch that divides it."
            )
        if self.dim % self.heads:
            raise PointwiseError(
                f"The network's dim {self.dim} does not divide among {self.heads} heads; "
                "choose a number of heads that divides it."
            )

    @property
    def grid(self) -> int:
        """Patches along one side of the image."""
        return self.image_size // self.patch

    @property
    def patches(self) -> int:
        """Patches of an image."""
        return self.grid**2

    @property
    def prefix_tokens(self) -> int:
        """Tokens in front of the patches: the class token, and the distillation token if any."""
        return 2 if self.distilled else 1

    @property
    def tokens(self) -> int:
        """Tokens in the residual stream (T, or N in the papers)."""
        return self.patches + self.prefix_tokens

    @property
    def patch_dim(self) -> int:
        """Input channels of the patch embedding once it is written as a 1×1 convolution."""
        return self.in_channels * self.patch**2

    @property
    def head_dim(self) -> int:
        """Channels of one attention head."""
        return self.dim // self.heads

    @property
    def hidden(self) -> int:
        """Hidden channels of the feed-forward network."""
        return round(self.dim * self.mlp_ratio)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image, from the patch embedding to the logits, without padding."""
        linear = self.tokens * self.dim * (4 * self.dim + 2 * self.hidden)
        attention = 2 * self.tokens**2 * self.dim
        embedding = self.patches * self.patch_dim * self.dim
        return embedding + self.depth * (linear + attention) + self.prefix_tokens * self.dim * self.classes

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DeiTConfig:
        """Build a configuration from what `to_dict` returned.

        Raises:
            PointwiseError: a field is missing, unknown or out of range.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise PointwiseError(
                f"The network description has a field {shown(unknown[0])} that no DeiT has; remove it."
            )
        if missing := sorted(known - {"distilled", "norm_eps"} - set(values)):
            raise PointwiseError(f"The network description lacks the field {missing[0]!r}; add it.")
        return cls(**values)


def expected_shapes(config: DeiTConfig) -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every tensor of a checkpoint of ``config``.

    Names and layout are those of the DeiT authors' release: a Linear weight is [out, in], and
    ``attn.qkv`` holds the rows of q, then k, then v, each of them head by head.
    """
    dim, hidden = config.dim, config.hidden

    def affine(name: str, *shape: int) -> dict[str, tuple[int, ...]]:
        return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}

    shapes: dict[str, tuple[int, ...]] = {"cls_token": (1, 1, dim)}
    if config.distilled:
        shapes["dist_token"] = (1, 1, dim)
    shapes["pos_embed"] = (1, config.tokens, dim)
    shapes |= affine("patch_embed.proj", dim, config.in_channels, config.patch, config.patch)
    for index in range(config.depth):
        block = f"blocks.{index}"
        shapes |= affine(f"{block}.norm1", dim)
        shapes |= affine(f"{block}.attn.qkv", 3 * dim, dim)
        shapes |= affine(f"{block}.attn.proj", dim, dim)
        shapes |= affine(f"{block}.norm2", dim)
        shapes |= affine(f"{block}.mlp.fc1", hidden, dim)
        shapes |= affine(f"{block}.mlp.fc2", dim, hidden)
    shapes |= affine("norm", dim)
    shapes |= affine("head", config.classes, dim)
    if config.distilled:
        shapes |= affine("head_dist", config.classes, dim)
    return shapes


def _imagenet(dim: int, heads: int, distilled: bool) -> DeiTConfig:
    """Return a DeiT for 224×224 ImageNet, as in table 1 of the DeiT paper."""
    return DeiTConfig(
        image_size=224,
        patch=16,
        in_channels=3,
        dim=dim,
        depth=12,
        heads=heads,
        mlp_ratio=4,
        classes=1000,
        distilled=distilled,
    )


NETWORKS: dict[str, DeiTConfig] = {
    f"deit_{size}{'_distilled' if distilled else ''}": _imagenet(dim, heads, distilled)
    for size, dim, heads in (("tiny", 192, 3), ("small", 384, 6), ("base", 768, 12))
    for distilled in (False, True)
} | {
    # 8×8 digits: small enough to simulate gate by gate, and every dimension but the 4 channels of
    # a patch and the 17 tokens is a multiple of 16, as they are in the large ones.
    "micro": DeiTConfig(
        image_size=8, patch=2, in_channels=1, dim=48, depth=4, heads=3, mlp_ratio=4, classes=10
    ),
}


def network(name: str) -> DeiTConfig:
    """Return the network of that name.

    Raises:
        PointwiseError: there is none.
    """
    try:
        return NETWORKS[name]
    except KeyError:
        raise PointwiseError(
            f"There is no network {name!r}; choose one of {', '.join(sorted(NETWORKS))}."
        ) from None
