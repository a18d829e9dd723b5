"""Convolutional networks of plain PyTorch, small ones of the known families; none knows of the project."""

import torch
from torch import Tensor, nn
from torch.nn import functional


def randomised(net: nn.Module) -> nn.Module:
    """In inference mode, with statistics of batch norms that are not those of the start."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
            nn.init.normal_(module.running_mean, 0, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return net.eval()


def conv(given: int, made: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """A convolution and its batch norm."""
    return [
        nn.Conv2d(given, made, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(made),
    ]


class BasicBlock(nn.Module):
    def __init__(self, given: int, made: int, stride: int = 1) -> None:
        super().__init__()
        self.main = nn.Sequential(*conv(given, made, 3, stride), nn.ReLU(), *conv(made, made))
        same = stride == 1 and given == made
        self.side = nn.Identity() if same else nn.Sequential(*conv(given, made, 1, stride))

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.main(x) + self.side(x))


def resnet() -> nn.Module:
    """Stem of 7 × 7 with a maximum, two stages, all pixels' mean."""
    stem = [*conv(3, 8, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    blocks = [BasicBlock(8, 8), BasicBlock(8, 12, 2), BasicBlock(12, 12)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 5))


class PreActivation(nn.Module):
    """A block whose batch norms stand in front of its convolutions, and read the sum."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.BatchNorm2d(width), nn.BatchNorm2d(width)])
        self.convs = nn.ModuleList([nn.Conv2d(width, width, 3, padding="same") for _ in range(2)])

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for norm, layer in zip(self.norms, self.convs, strict=True):
            y = layer(functional.relu(norm(y)))
        return x + y


def pre_activation() -> nn.Module:
    blocks = [PreActivation(8), PreActivation(8)]
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 1, 1), *blocks, nn.BatchNorm2d(8), nn.ReLU(), Mean(), nn.Linear(8, 4)
    )


class Mean(nn.Module):
    """The mean over height and width."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


def vgg() -> nn.Module:
    """Two stages and two linear layers, the first of which reads a map of 3 × 3."""
    features = [*conv(3, 6), nn.ReLU(), *conv(6, 6), nn.ReLU(), nn.MaxPool2d(2, 2)]
    features += [*conv(6, 10), nn.ReLU(), nn.MaxPool2d(2, 2), nn.AdaptiveAvgPool2d(3)]
    head = [nn.Flatten(), nn.Linear(90, 16), nn.ReLU(True), nn.Dropout(), nn.Linear(16, 5)]
    return nn.Sequential(*features, *head)


class LeNet(nn.Module):
    """Kernels of 5, maxima in front of functions, all pixels flattened."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2 = nn.Linear(16 * 4 * 4, 20), nn.Linear(20, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.max_pool2d(functional.relu(self.conv1(x)), 2)
        x = functional.relu(functional.max_pool2d(self.conv2(x), 2))
        return self.fc2(functional.relu(self.fc1(x.view(-1, 16 * 4 * 4))))


class Inverted(nn.Module):
    """An inverted residual."""

    def __init__(self, given: int, made: int, stride: int, act: type[nn.Module] = nn.ReLU6) -> None:
        super().__init__()
        wide = 3 * given
        deep = [*conv(wide, wide, 3, stride, wide), act()]
        self.main = nn.Sequential(*conv(given, wide, 1), act(), *deep, *conv(wide, made, 1))
        self.residual = stride == 1 and given == made

    def forward(self, x: Tensor) -> Tensor:
        return x + self.main(x) if self.residual else self.main(x)


def mobilenet(act: type[nn.Module] = nn.ReLU6) -> nn.Module:
    blocks = [
        Inverted(8, 6, 1, act),
        Inverted(6, 6, 1, act),
        Inverted(6, 10, 2, act),
        Inverted(10, 10, 1, act),
    ]
    last = [*conv(10, 20, 1), act(), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(1), nn.Dropout(0.2)]
    return nn.Sequential(*conv(3, 8, 3, 2), act(), *blocks, *last, nn.Linear(20, 5))


class Attention(nn.Module):
    """Attention with batch norms in place of LayerNorms, and a function in front of its projection."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.norm = nn.Linear(dim, 3 * dim, bias=False), nn.BatchNorm1d(3 * dim)
        self.proj, self.last = nn.Linear(dim, dim, bias=False), nn.BatchNorm1d(dim)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, _ = x.shape
        qkv = self.norm(self.qkv(x).transpose(1, 2)).transpose(1, 2)
        q, k, v = qkv.reshape(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        made = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape)
        made = self.proj(functional.hardswish(made))
        return x + self.last(made.flatten(0, 1)).reshape_as(x)


class Levit(nn.Module):
    """Convolutions in front, then attention on all pixels and a mean of them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*conv(3, 6, 3, 2), nn.Hardswish(), *conv(6, 8, 3, 2), nn.Hardswish())
        self.attention = nn.Sequential(Attention(8, 2), Attention(8, 2))
        self.mlp = nn.Sequential(nn.Linear(8, 16), nn.Hardswish(), nn.Linear(16, 8))
        self.norm, self.head = nn.BatchNorm1d(8), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.attention(self.stem(x).flatten(2).transpose(1, 2))
        x = x + self.mlp(x)
        return self.head(self.norm(x.mean(1)))


class Hybrid(nn.Module):
    """A convolutional stem in front of a transformer's layer with LayerNorms, positions between them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*conv(3, 6, 3, 2), nn.ReLU(), nn.Conv2d(6, 16, 2, 2))
        self.positions = nn.Parameter(torch.randn(1, 9, 16))
        self.layer = nn.TransformerEncoderLayer(
            16, 2, 24, batch_first=True, norm_first=True, activation="gelu"
        )
        self.norm, self.head = nn.LayerNorm(16), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).flatten(2).transpose(1, 2) + self.positions
        return self.head(self.norm(self.layer(x)).mean(1))


class HybridToken(Hybrid):
    """With a class token in front of what the convolutions make."""

    def __init__(self) -> None:
        super().__init__()
        self.token, self.positions = nn.Parameter(torch.randn(1, 1, 16)), nn.Parameter(torch.randn(1, 10, 16))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.token.expand(len(x), -1, -1), self.stem(x).flatten(2).transpose(1, 2)], 1)
        return self.head(self.norm(self.layer(x + self.positions))[:, 0])


class Reduced(nn.Module):
    """Attention whose keys and values are of a smaller picture with its own LayerNorm; a token in front."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.first = nn.Conv2d(3, 8, 3, 2, 1), nn.LayerNorm(8)
        self.norm, self.smaller, self.again = nn.LayerNorm(8), nn.Conv2d(8, 8, 2, 2), nn.LayerNorm(8)
        self.q, self.kv, self.proj = nn.Linear(8, 8), nn.Linear(8, 16), nn.Linear(8, 8)
        self.second, self.token = nn.LayerNorm(8), nn.Parameter(torch.randn(1, 1, 8))
        self.positions = nn.Parameter(torch.randn(1, 37, 8))
        self.layer = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True, norm_first=True)
        self.last, self.head = nn.LayerNorm(8), nn.Linear(8, 5)

    def forward(self, image: Tensor) -> Tensor:
        x = self.first(self.stem(image).flatten(2).transpose(1, 2))
        y = self.norm(x)
        small = self.smaller(y.transpose(1, 2).reshape(1, 8, 6, 6)).flatten(2).transpose(1, 2)
        heads = [self.q(y), *self.kv(self.again(small)).chunk(2, -1)]
        q, k, v = (part.unflatten(-1, (2, 4)).transpose(1, 2) for part in heads)
        made = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        x = torch.cat([self.token, self.second(x + self.proj(made))], 1) + self.positions
        return self.head(self.last(self.layer(x))[:, 0])


class ConvNext(nn.Module):
    """LayerNorm over channels of pixels, behind a depthwise convolution and in front of a stage."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.deep = nn.Conv2d(3, 8, 2, 2), nn.Conv2d(8, 8, 5, padding=2, groups=8)
        self.norm, self.wide, self.narrow = nn.LayerNorm(8), nn.Linear(8, 20), nn.Linear(20, 8)
        self.scale = nn.Parameter(torch.rand(8) + 0.5)
        self.between, self.down = nn.LayerNorm(8), nn.Conv2d(8, 12, 2, 2)
        self.last, self.head = nn.LayerNorm(12), nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        made = self.norm(self.deep(x).permute(0, 2, 3, 1))
        made = self.scale * self.narrow(functional.gelu(self.wide(made)))
        x = x + made.permute(0, 3, 1, 2)
        x = self.down(self.between(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))
        return self.head(self.last(x.mean((-2, -1))))


class Odd(nn.Module):
    """What a window can be: dilation, groups, multipliers, sides that differ; means and functions."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(4, 6, (3, 2), (2, 1), (0, 1), groups=2)
        self.dilated = nn.Conv2d(6, 8, 3, padding="same", dilation=2, groups=2)
        self.deep = nn.Conv2d(8, 16, (1, 3), padding=(0, 1), groups=8)
        self.even = nn.Conv2d(16, 8, 4, padding="same", bias=False)
        self.last, self.head = nn.Conv2d(8, 4, 2, 2, 1), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.silu(self.dilated(functional.hardsigmoid(self.first(x))))
        x = functional.avg_pool2d(x, 3, (2, 1), 1)
        x = functional.hardtanh(self.deep(x), 0.0, 6.0)
        x = functional.max_pool2d(self.even(x), 2, 2, ceil_mode=True)
        x = functional.avg_pool2d(functional.pad(x, (1, 0, 0, 1)), (1, 2))
        x = torch.sigmoid(self.last(functional.pad(x, (2, 1, 0, 1))))
        return self.head(functional.adaptive_avg_pool2d(x, (1, 1))[:, :, 0, 0])


class Inception(nn.Module):
    """Four branches side by side, and a sum of two of them with another."""

    def __init__(self, given: int) -> None:
        super().__init__()
        self.one = nn.Sequential(*conv(given, 4, 1), nn.ReLU())
        self.three = nn.Sequential(*conv(given, 3, 1), nn.ReLU(), *conv(3, 5, 3), nn.ReLU())
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), *conv(given, 3, 1), nn.ReLU())
        self.mean = nn.Sequential(nn.AvgPool2d(3, 1, 1), *conv(given, 2, 1), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.one(x), self.three(x), self.pool(x), self.mean(x)], 1)


def googlenet() -> nn.Module:
    """Two such blocks, with a maximum between them, and a linear layer of a flattened map."""
    stem = [*conv(3, 6, 3, 2), nn.ReLU()]
    return nn.Sequential(
        *stem,
        Inception(6),
        nn.MaxPool2d(2, 2),
        Inception(14),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(56, 5),
    )


class Dense(nn.Module):
    """Each layer reads all before it: batch norm, ReLU, convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*conv(3, 6, 3, 2), nn.ReLU())
        self.norms = nn.ModuleList(nn.BatchNorm2d(6 + 4 * index) for index in range(3))
        self.layers = nn.ModuleList(nn.Conv2d(6 + 4 * index, 4, 3, padding=1) for index in range(3))
        self.last, self.between, self.head = nn.BatchNorm2d(18), nn.Conv2d(18, 9, 1), nn.Linear(9, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for norm, layer in zip(self.norms, self.layers, strict=True):
            x = torch.cat([x, layer(functional.relu(norm(x)))], 1)
        x = functional.avg_pool2d(self.between(functional.relu(self.last(x))), 2)
        return self.head(x.mean((2, 3)))


class Shuffle(nn.Module):
    """Half of the channels pass by, the others are convolved; then they are shuffled."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*conv(3, 8, 3, 2), nn.ReLU())
        half = [*conv(4, 4, 1), nn.ReLU(), *conv(4, 4, 3, 1, 4), *conv(4, 4, 1), nn.ReLU()]
        self.halves = nn.ModuleList([nn.Sequential(*half), nn.Sequential(*half)])
        self.grouped, self.head = nn.Sequential(*conv(8, 8, 3, 1, 2), nn.ReLU()), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for half in self.halves:
            one, two = x.chunk(2, 1)
            x = torch.cat([one, half(two)], 1)
            x = x.unflatten(1, (2, 4)).transpose(1, 2).flatten(1, 2)
        return self.head((x + self.grouped(x)).mean((2, 3)))


class TwoStems(nn.Module):
    """Two convolutions of the image, whose mean was taken off in the network, and a sum with the image."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.head = nn.Conv2d(3, 3, 3, 2, 1), nn.Conv2d(3, 3, 5, 2, 2), nn.Linear(3, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = (x - torch.tensor([0.1, 0.2, 0.3])[:, None, None]) / 0.5
        made = functional.relu(self.one(x)) + self.two(x)
        return self.head((made + functional.max_pool2d(x, 2)).mean((2, 3)))


class Normalised(nn.Module):
    """An image whose mean is taken off in front of a padded convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Conv2d(3, 6, 3, 1, 1), nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem((x - torch.tensor([0.1, -0.2, 0.3])[None, :, None, None]) / 0.5)
        return self.head(functional.hardswish(x).mean((2, 3)))
