"""Networks of plain PyTorch, in the spellings that people use; none knows anything of the project."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

DIM = 16


class Residual(nn.Module):
    """Layers of a multilayer perceptron with a residual branch, batch normalisation and scaled inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Linear(12, DIM), nn.LayerNorm(DIM)
        self.wide, self.narrow = nn.Linear(DIM, 24), nn.Linear(24, DIM)
        self.batch = nn.BatchNorm1d(24)
        with torch.no_grad():
            self.batch.running_mean.normal_()
            self.batch.running_var.uniform_(0.5, 2)
        self.last, self.head = nn.LayerNorm(DIM), nn.Linear(DIM, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem((x - 0.3) / 1.7)
        x = x + self.narrow(functional.silu(self.batch(self.wide(self.norm(x)))))
        return self.head(self.last(x))


class Reused(nn.Module):
    """A layer whose result is added, normalised and looked up."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.other = nn.Linear(12, DIM), nn.Linear(DIM, DIM)
        self.norm, self.head = nn.LayerNorm(DIM), nn.Linear(DIM, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.head(self.norm(x + self.other(functional.relu(x))))


class Parallel(nn.Module):
    """Branches that are stacked and added up, and functions that are not in every network."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(DIM) for _ in range(3))
        self.wide = nn.ModuleList(nn.Linear(DIM, 12) for _ in range(3))
        self.narrow = nn.ModuleList(nn.Linear(12, DIM) for _ in range(3))
        self.last, self.head = nn.LayerNorm(DIM), nn.Linear(DIM, 3)

    def forward(self, x: Tensor) -> Tensor:
        functions = (functional.mish, functional.leaky_relu, functional.softplus)
        layers = zip(self.norms, self.wide, functions, self.narrow, strict=True)
        branches = [narrow(function(wide(norm(x)))) for norm, wide, function, narrow in layers]
        x = x + torch.stack(branches).sum(dim=0)
        again = self.narrow[0](torch.relu(self.wide[0](self.norms[1](x))))
        return self.head(self.last(x + again + self.narrow[1](self.wide[2](self.norms[0](x)))))


class Explicit(nn.Module):
    """Attention as timm writes it: one layer for all, five axes, softmax."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(DIM, 3 * DIM, bias=False), nn.Linear(DIM, DIM)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, dim = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, dim // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        shares = (q @ k.transpose(-2, -1) * (dim // self.heads) ** -0.5).softmax(dim=-1)
        return self.proj((shares @ v).transpose(1, 2).reshape(batch, tokens, dim))


class Einsum(Explicit):
    """With einsum, chunks, and queries that are scaled beforehand by something else than 1/√d."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (part.unflatten(-1, (self.heads, -1)) for part in self.qkv(x).chunk(3, -1))
        shares = torch.einsum("bihd,bjhd->bhij", q * 0.3, k).softmax(-1)
        return self.proj(torch.einsum("bhij,bjhd->bihd", shares, v).flatten(2))


class Separate(nn.Module):
    """Three layers and PyTorch's own operator."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.proj = (nn.Linear(DIM, DIM) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            layer(x).view(*x.shape[:2], self.heads, -1).transpose(1, 2) for layer in (self.q, self.k, self.v)
        )
        made = functional.scaled_dot_product_attention(q, k, v)
        return self.proj(made.transpose(1, 2).reshape(x.shape))


class Library(nn.Module):
    """``nn.MultiheadAttention``, with the shares that it returns as well."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(DIM, heads, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x, x, x)[0]


class Tanh(nn.Module):
    """GELU by its approximation with tanh, written out."""

    def forward(self, x: Tensor) -> Tensor:
        return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


class Erf(nn.Module):
    """GELU written out."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 0.5 * (1.0 + torch.erf(x / math.sqrt(2.0)))


class Quick(nn.Module):
    """QuickGELU, as CLIP has it."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class Norm(nn.Module):
    """LayerNorm written out."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(dim)), nn.Parameter(torch.randn(dim))

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(-1, keepdim=True)
        variance = (x - mean).pow(2).mean(-1, keepdim=True)
        return self.weight * ((x - mean) / torch.sqrt(variance + 1e-6)) + self.bias


class Block(nn.Module):
    """A block of a Vision Transformer, with LayerScale and dropout."""

    def __init__(self, attention: nn.Module, act: nn.Module, norm: type[nn.Module] = nn.LayerNorm) -> None:
        super().__init__()
        self.norm1, self.attn, self.norm2 = norm(DIM), attention, norm(DIM)
        self.scale = nn.Parameter(torch.rand(DIM) + 0.5)
        self.fc1, self.act, self.fc2 = nn.Linear(DIM, 24), act, nn.Linear(24, DIM)
        self.drop = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop(self.scale * self.attn(self.norm1(x)))
        return x + self.drop(self.fc2(self.act(self.fc1(self.norm2(x)))))


class Vision(nn.Module):
    """A Vision Transformer for rectangular images, each block of which has another spelling.

    Args:
        pool: what the head reads: "token", "mean" (of the patches), "norm" (the mean, normalised), "map"
            (attention with a learned query), "both" (the class token beside the mean), "stream" (the mean of
            the patches before the last norm, normalised), "biased" (the same, and a number added to the
            stream), or "branch" (attention with a learned query, and a branch behind it).
        embedded: positions are added before the class token is put in front.
    """

    def __init__(self, pool: str = "token", embedded: bool = False) -> None:
        super().__init__()
        self.pool, self.embedded = pool, embedded
        self.patch = nn.Conv2d(3, DIM, (4, 2), (4, 2))
        self.token, self.registers = (
            nn.Parameter(torch.randn(1, 1, DIM)),
            nn.Parameter(torch.randn(1, 2, DIM)),
        )
        self.positions = nn.Parameter(torch.randn(1, 6 if embedded else 9, DIM))
        self.blocks = nn.Sequential(
            Block(Explicit(2), nn.GELU()),
            Block(Einsum(4), Quick(), Norm),
            Block(Separate(1), Tanh()),
            Block(Library(2), Erf()),
        )
        self.norm, self.pooled = nn.LayerNorm(DIM, eps=1e-6), nn.LayerNorm(DIM)
        self.query = nn.Parameter(torch.randn(1, 1, DIM))
        self.pooling = nn.MultiheadAttention(DIM, 2, batch_first=True)
        self.head = nn.Linear(2 * DIM if pool == "both" else DIM, 7)

    def forward(self, image: Tensor) -> Tensor:
        x = self.patch(image).flatten(2).transpose(1, 2)
        front = [self.token.expand(len(x), -1, -1), self.registers.expand(len(x), -1, -1)]
        x = torch.cat([*front, x + self.positions], 1) if self.embedded else torch.cat([*front, x], 1)
        x = self.blocks(x if self.embedded else x + self.positions)
        if self.pool in ("stream", "biased"):
            if self.pool == "biased":
                more = self.norm(x)
                x = x + (self.pooling.out_proj(more) + self.token[0]) + self.pooling.out_proj(more.relu())
            return self.head(self.pooled(x[:, 3:].mean(dim=1)))
        x = self.norm(x)
        if self.pool in ("map", "branch"):
            made = self.pooling(self.query, x, x, need_weights=False)[0][:, 0]
            made = made + self.pooling.out_proj(self.pooled(made).relu()) if self.pool == "branch" else made
            return self.head(made)
        chosen = {
            "token": lambda: x[:, 0],
            "mean": lambda: x[:, 3:].mean(dim=1),
            "norm": lambda: self.pooled(x.mean(dim=1)),
            "both": lambda: torch.cat([x[:, 0], x[:, 3:].mean(1)], dim=-1),
        }
        return self.head(chosen[self.pool]())


def encoder(norm_first: bool, batch_first: bool = True, activation: str = "gelu") -> nn.Module:
    """A layer of PyTorch's own encoder."""
    return nn.TransformerEncoderLayer(
        DIM, 2, 24, batch_first=batch_first, norm_first=norm_first, activation=activation
    )
