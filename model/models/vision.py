"""Vision Transformers other than DeiT's own, as modules of plain PyTorch, by name.

DeiT III (Touvron et al., ECCV 2022) scales its branches and keeps the class token out of the positions; the
tower of CLIP (Radford et al., ICML 2021) normalises before the blocks, has no bias in its patches and
QuickGELU in its MLPs; DINOv2 (Oquab et al., TMLR 2024) gives the features of its class token.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.frontends import GraphNetwork
from pointwise.model.frontends.module import capture_module


@dataclass(frozen=True)
class Vision:
    """Dimensions and habits of a Vision Transformer.

    Attributes:
        patch, image_size: sides in pixels. dim, depth, heads: of the stream, blocks and their attention.
        results: channels of the last layer; 0 where the class token's features are the result.
        scaled: a factor for each channel of each branch (LayerScale).
        bare: no position for the class token.
        clip: a LayerNorm before the blocks, patches and last layer without bias, QuickGELU.
        epsilon: of every LayerNorm.
    """

    patch: int
    dim: int
    depth: int
    heads: int
    results: int = 1000
    scaled: bool = False
    bare: bool = False
    clip: bool = False
    epsilon: float = 1e-6
    image_size: int = 224


VISION: dict[str, Vision] = {
    "deit3_small": Vision(16, 384, 12, 6, scaled=True, bare=True),
    "clip_vit_b32": Vision(32, 768, 12, 12, results=512, clip=True, epsilon=1e-5),
    "dinov2_small": Vision(14, 384, 12, 6, results=0, scaled=True),
}
"""By name: DeiT III-S/16, CLIP's ViT-B/32 and DINOv2-S/14, all of images of 224 by 224 pixels."""
SMALL = 0.1
"""Deviation of biases and of what is about 1."""
SCALE = 0.5
"""About what a branch is scaled by."""


class QuickGELU(nn.Module):
    """x · σ(1.702 x)."""

    def forward(self, x: Tensor) -> Tensor:
        """Of each element."""
        return x * torch.sigmoid(1.702 * x)


class Attention(nn.Module):
    """Self-attention with one layer for queries, keys and values."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, dim) of (B, T, dim)."""
        batch, tokens, dim = x.shape
        parts = self.qkv(x).reshape(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        made = functional.scaled_dot_product_attention(*parts.unbind(0))
        return self.proj(made.transpose(1, 2).reshape(batch, tokens, dim))


class Block(nn.Module):
    """Attention and MLP, each behind a LayerNorm and added to the stream."""

    def __init__(self, vision: Vision) -> None:
        super().__init__()
        dim = vision.dim
        self.norm1, self.norm2 = (nn.LayerNorm(dim, vision.epsilon) for _ in range(2))
        self.attn = Attention(dim, vision.heads)
        self.mlp = nn.Sequential(
            nn.Linear(dim, 4 * dim), QuickGELU() if vision.clip else nn.GELU(), nn.Linear(4 * dim, dim)
        )
        self.scale1, self.scale2 = (
            nn.Parameter(torch.full((dim,), SCALE)) if vision.scaled else 1.0 for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, dim) of (B, T, dim)."""
        x = x + self.scale1 * self.attn(self.norm1(x))
        return x + self.scale2 * self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    """The whole: (B, results) of images (B, 3, S, S)."""

    def __init__(self, vision: Vision) -> None:
        super().__init__()
        dim, tokens = vision.dim, (vision.image_size // vision.patch) ** 2
        self.bare = vision.bare
        self.patch_embed = nn.Conv2d(3, dim, vision.patch, vision.patch, bias=not vision.clip)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, tokens + (not vision.bare), dim))
        self.norm_pre = nn.LayerNorm(dim, vision.epsilon) if vision.clip else nn.Identity()
        self.blocks = nn.Sequential(*(Block(vision) for _ in range(vision.depth)))
        self.norm = nn.LayerNorm(dim, vision.epsilon)
        self.head = nn.Linear(dim, vision.results, not vision.clip) if vision.results else nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        """Logits, or features of the class token."""
        x = self.patch_embed(images).flatten(2).transpose(1, 2)
        x = x + self.pos_embed if self.bare else x
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1)
        x = x if self.bare else x + self.pos_embed
        return self.head(self.norm(self.blocks(self.norm_pre(x)))[:, 0])


def vision_transformer(vision: Vision, name: str, seed: int = 0) -> GraphNetwork:
    """A Vision Transformer with made-up weights: what goes through a layer keeps its power.

    Raises:
        PointwiseError: heads do not divide the channels, or patches the image.
    """
    if vision.dim % vision.heads or vision.image_size % vision.patch:
        raise PointwiseError(
            f"{name} has {vision.dim} channels for {vision.heads} heads and {vision.image_size} pixels for "
            f"patches of {vision.patch}; choose such as divide."
        )
    module = VisionTransformer(vision).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            drawn = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() in (2, 4):
                parameter.copy_(drawn / parameter[0].numel() ** 0.5)
            else:
                # Biases, tokens and positions begin at about 0, LayerNorms at 1, LayerScale at SCALE.
                parameter.copy_(drawn * SMALL + parameter.mean().round(decimals=1))
    return capture_module(module, torch.zeros(1, 3, vision.image_size, vision.image_size), name)
