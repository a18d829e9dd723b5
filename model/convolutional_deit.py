"""DeiT with every layer a 1×1 convolution, after Tang and Guo, *Accelerating Vision Transformers on
Brain Processing Unit* (the BPU paper), section III.

The residual stream is (B, C, 1, N): N tokens are a row of N pixels. A Linear weight [O, I] becomes
a kernel [O, I, 1, 1]; LayerNorm becomes two convolutions by 1/H with a subtraction and a square
between them (the paper's figure 1). The patch embedding, which the paper leaves as it is, is written
the same way here: a patch's pixels become the channels of one token.

This is the form that the accelerator computes, still in float: it shows that the rewriting itself
loses nothing, before a quantiser touches it.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from pointwise.model.networks import LAYER_NORM_EPS, DeiTConfig


class PointwiseLayerNorm(nn.Module):
    """LayerNorm over the channels of (B, C, 1, N) by two mean convolutions of weight 1/H."""

    def __init__(self, channels: int, eps: float = LAYER_NORM_EPS) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        # One output channel is enough, since all of them would be alike. The kernel is a constant and no
        # part of a checkpoint; made here, it has the precision of x.
        mean_kernel = x.new_full((1, channels, 1, 1), 1 / channels)
        centred = x - functional.conv2d(x, mean_kernel)
        variance = functional.conv2d(centred * centred, mean_kernel)
        return centred / torch.sqrt(variance + self.eps) * self.weight + self.bias


class PointwisePatchEmbed(nn.Module):
    """Patch embedding as a 1×1 convolution: [B, in_channels, S, S] to (B, dim, 1, patches)."""

    def __init__(self, config: DeiTConfig) -> None:
        super().__init__()
        self.patch = config.patch
        self.proj = nn.Conv2d(config.patch_dim, config.dim, 1)

    def forward(self, image: Tensor) -> Tensor:
        # Channel c of pixel (i, j) becomes channel (c * patch + i) * patch + j, which is the order of
        # the convolution kernel when it is flattened.
        pixels = functional.pixel_unshuffle(image, self.patch)
        return self.proj(pixels.flatten(2).unsqueeze(2))


class PointwiseAttention(nn.Module):
    """Multi-head self-attention over (B, C, 1, N), the paper's figure 2."""

    def __init__(self, config: DeiTConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.scale = config.head_dim**-0.5
        self.qkv = nn.Conv2d(config.dim, 3 * config.dim, 1)
        self.softmax = nn.Softmax(dim=-1)
        self.proj = nn.Conv2d(config.dim, config.dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        batch, dim, _, tokens = x.shape
        qkv = self.qkv(x).reshape(batch, 3, self.heads, dim // self.heads, tokens)
        q, k, v = qkv.unbind(1)
        probabilities = self.softmax((q.transpose(-2, -1) @ k) * self.scale)
        return self.proj((v @ probabilities.transpose(-2, -1)).reshape(batch, dim, 1, tokens))


class PointwiseMlp(nn.Module):
    """The feed-forward network as two 1×1 convolutions with exact GELU between them."""

    def __init__(self, config: DeiTConfig) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(config.dim, config.hidden, 1)
        self.act = nn.GELU()
        self.fc2 = nn.Conv2d(config.hidden, config.dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.act(self.fc1(x)))


class PointwiseBlock(nn.Module):
    """A transformer block over (B, C, 1, N), the paper's figure 3."""

    def __init__(self, config: DeiTConfig) -> None:
        super().__init__()
        self.norm1 = PointwiseLayerNorm(config.dim, config.norm_eps)
        self.attn = PointwiseAttention(config)
        self.norm2 = PointwiseLayerNorm(config.dim, config.norm_eps)
        self.mlp = PointwiseMlp(config)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ConvolutionalDeiT(nn.Module):
    """A DeiT of 1×1 convolutions: images [B, in_channels, S, S], normalised, to logits [B, classes].

    Its tensors have the names of `model.deit.DeiT` and the same numbers in the same order.
    """

    def __init__(self, config: DeiTConfig) -> None:
        super().__init__()
        self.config = config
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.dim))
        if config.distilled:
            self.dist_token = nn.Parameter(torch.zeros(1, 1, config.dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, config.tokens, config.dim))
        self.patch_embed = PointwisePatchEmbed(config)
        self.blocks = nn.ModuleList(PointwiseBlock(config) for _ in range(config.depth))
        self.norm = PointwiseLayerNorm(config.dim, config.norm_eps)
        self.head = nn.Conv2d(config.dim, config.classes, 1)
        if config.distilled:
            self.head_dist = nn.Conv2d(config.dim, config.classes, 1)

    @classmethod
    def from_state(cls, config: DeiTConfig, state: Mapping[str, Tensor]) -> ConvolutionalDeiT:
        """Return the network of ``config`` with an ordinary DeiT's weights, ready for inference."""
        with torch.device("meta"):
            net = cls(config)
        net.to_empty(device="cpu")
        net.load_ordinary_state_dict(state)
        return net.eval()

    def load_ordinary_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over the weights of an ordinary DeiT by reshaping each, and by nothing else.

        ``state`` is what `model.checkpoints` returns: checked against the configuration, float32.

        Raises:
            RuntimeError: a tensor is missing, unknown, or of another number of elements.
        """
        own = self.state_dict()
        self.load_state_dict(
            {key: value.reshape(own[key].shape) if key in own else value for key, value in state.items()}
        )

    def embed(self, image: Tensor) -> Tensor:
        """Return the residual stream in front of the first block, (B, dim, 1, T)."""

        def pixels(tokens: Tensor) -> Tensor:
            return tokens.transpose(1, 2).unsqueeze(2)

        batch = image.shape[0]
        parts = [pixels(self.cls_token).expand(batch, -1, -1, -1)]
        if self.config.distilled:
            parts.append(pixels(self.dist_token).expand(batch, -1, -1, -1))
        parts.append(self.patch_embed(image))
        return torch.cat(parts, dim=3) + pixels(self.pos_embed)

    def forward(self, image: Tensor) -> Tensor:
        """Return the logits [B, classes]; a distilled network's are the mean of its two heads'."""
        x = self.embed(image)
        for block in self.blocks:
            x = block(x)
        x = self.norm(x[..., : self.config.prefix_tokens])
        logits = self.head(x[..., :1])
        if self.config.distilled:
            logits = (logits + self.head_dist(x[..., 1:2])) / 2
        return logits.flatten(1)
