"""The ordinary DeiT in PyTorch, with the tensor names of its authors' release.

Every tensor that a quantiser wants to see is the input or the output of a module, so that forward
hooks reach it: the residual stream enters `norm1`, `norm2` and `norm`, q, k and v leave `attn.qkv`,
attention scores enter `attn.softmax`, probabilities leave it, and GELU is `mlp.act`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from pointwise.model.networks import DeiTConfig

INIT_STD = 0.02
"""Standard deviation of freshly made weights, as in the DeiT paper."""


class PatchEmbed(nn.Module):
    """Cut the image into patches and project each: [B, in_channels, S, S] to [B, patches, dim]."""

    def __init__(self, config: DeiTConfig) -> None:
        super().__init__()
        self.proj = nn.Conv2d(config.in_channels, config.dim, config.patch, stride=config.patch)

    def forward(self, image: Tensor) -> Tensor:
        return self.proj(image).flatten(2).transpose(1, 2)


class Attention(nn.Module):
    """Multi-head self-attention over [B, T, dim]."""

    def __init__(self, config: DeiTConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.scale = config.head_dim**-0.5
        self.qkv = nn.Linear(config.dim, 3 * config.dim)
        self.softmax = nn.Softmax(dim=-1)
        self.proj = nn.Linear(config.dim, config.dim)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, dim = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, dim // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        probabilities = self.softmax((q @ k.transpose(-2, -1)) * self.scale)
        return self.proj((probabilities @ v).transpose(1, 2).reshape(batch, tokens, dim))


class Mlp(nn.Module):
    """The feed-forward network: widen, exact GELU, narrow."""

    def __init__(self, config: DeiTConfig) -> None:
        super().__init__()
        self.fc1 = nn.Linear(config.dim, config.hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(config.hidden, config.dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.act(self.fc1(x)))


class Block(nn.Module):
    """A transformer block with the LayerNorm in front (pre-norm) and two residual additions."""

    def __init__(self, config: DeiTConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.dim, eps=config.norm_eps)
        self.attn = Attention(config)
        self.norm2 = nn.LayerNorm(config.dim, eps=config.norm_eps)
        self.mlp = Mlp(config)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class DeiT(nn.Module):
    """A DeiT in float: images [B, in_channels, S, S], normalised, to logits [B, classes].

    A new one holds random weights of standard deviation ``init_std``, drawn from torch's global
    generator; `from_state` makes one that holds a checkpoint's.
    """

    def __init__(self, config: DeiTConfig, init_std: float = INIT_STD) -> None:
        super().__init__()
        self.config = config
        self.cls_token = nn.Parameter(torch.empty(1, 1, config.dim))
        if config.distilled:
            self.dist_token = nn.Parameter(torch.empty(1, 1, config.dim))
        self.pos_embed = nn.Parameter(torch.empty(1, config.tokens, config.dim))
        self.patch_embed = PatchEmbed(config)
        # A ModuleList is one, but says of its elements only that they are modules.
        self.blocks = cast(Sequence[Block], nn.ModuleList(Block(config) for _ in range(config.depth)))
        self.norm = nn.LayerNorm(config.dim, eps=config.norm_eps)
        self.head = nn.Linear(config.dim, config.classes)
        if config.distilled:
            self.head_dist = nn.Linear(config.dim, config.classes)
        self._initialise(init_std)

    @classmethod
    def from_state(cls, config: DeiTConfig, state: Mapping[str, Tensor]) -> DeiT:
        """Return the network of ``config`` with the weights ``state``, ready for inference.

        ``state`` is what `model.checkpoints` returns: checked against ``config``, float32.
        """
        # Weights are not drawn only to be overwritten: that takes seconds, and random numbers from others.
        with torch.device("meta"):
            net = cls(config)
        net.to_empty(device="cpu")
        net.load_state_dict(state)
        return net.eval()

    def _initialise(self, std: float) -> None:
        """Draw weights from a truncated normal; biases are zero, and LayerNorm is neutral as made."""
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif "norm" not in name:
                nn.init.trunc_normal_(parameter, std=std)

    def embed(self, image: Tensor) -> Tensor:
        """Return the residual stream in front of the first block, [B, T, dim]."""
        batch = image.shape[0]
        parts = [self.cls_token.expand(batch, -1, -1)]
        if self.config.distilled:
            parts.append(self.dist_token.expand(batch, -1, -1))
        parts.append(self.patch_embed(image))
        return torch.cat(parts, dim=1) + self.pos_embed

    def tokens(self, image: Tensor) -> Tensor:
        """Return all tokens behind the last LayerNorm, [B, T, dim]."""
        x = self.embed(image)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def features(self, image: Tensor) -> Tensor:
        """Return what the heads read, [B, prefix tokens, dim]: class token, then distillation token."""
        return self.tokens(image)[:, : self.config.prefix_tokens]

    def forward_heads(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the logits of each head, [B, classes]: the class head's, then the distillation head's."""
        x = self.features(image)
        if self.config.distilled:
            return self.head(x[:, 0]), self.head_dist(x[:, 1])
        return (self.head(x[:, 0]),)

    def forward(self, image: Tensor) -> Tensor:
        """Return the logits [B, classes]; a distilled network's are the mean of its two heads'."""
        heads = self.forward_heads(image)
        return (heads[0] + heads[1]) / 2 if self.config.distilled else heads[0]
