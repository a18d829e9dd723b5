"""Networks that onnxruntime quantises statically, and what it makes of the files."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

ort = pytest.importorskip("onnxruntime")
quantization = pytest.importorskip("onnxruntime.quantization")
DIM, HEADS = 32, 2


class Net(nn.Module):
    """Convolutions, pooling, a shortcut and a last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.inner = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.pool, self.last, self.head = nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, 2, 1), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.stem(x).relu())
        x = self.last(x + self.inner(x).relu()).relu()
        return self.head(x.mean((2, 3)))


class Block(nn.Module):
    """A block of a Vision Transformer, with attention written out or not."""

    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.fused = fused
        self.norm1, self.norm2 = nn.LayerNorm(DIM), nn.LayerNorm(DIM)
        self.qkv, self.proj = nn.Linear(DIM, 3 * DIM), nn.Linear(DIM, DIM)
        self.fc1, self.fc2 = nn.Linear(DIM, 4 * DIM), nn.Linear(4 * DIM, DIM)
        for norm in (self.norm1, self.norm2):
            nn.init.uniform_(norm.weight, 0.5, 1.5)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, _ = x.shape
        split = self.qkv(self.norm1(x)).reshape(batch, tokens, 3, HEADS, DIM // HEADS)
        q, k, v = split.permute(2, 0, 3, 1, 4).unbind(0)
        if self.fused:
            y = functional.scaled_dot_product_attention(q, k, v)
        else:
            y = ((q @ k.transpose(-2, -1)) * (DIM // HEADS) ** -0.5).softmax(-1) @ v
        x = x + self.proj(y.transpose(1, 2).reshape(batch, tokens, DIM))
        return x + self.fc2(functional.gelu(self.fc1(self.norm2(x))))


class Vision(nn.Module):
    """A Vision Transformer of two blocks."""

    def __init__(self, fused: bool = False) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, DIM, 4, 4)
        self.cls, self.pos = (nn.Parameter(torch.randn(1, n, DIM) / 2) for n in (1, 10))
        self.blocks = nn.Sequential(Block(fused), Block(fused))
        self.norm, self.head = nn.LayerNorm(DIM), nn.Linear(DIM, 7)
        nn.init.uniform_(self.norm.weight, 0.5, 1.5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], dim=1) + self.pos
        return self.head(self.norm(self.blocks(x))[:, 0])


class Reader(quantization.CalibrationDataReader):
    """Images for onnxruntime's calibration, one at a time."""

    def __init__(self, images: Tensor) -> None:
        self.images = iter([{"x": image[None].numpy()} for image in images])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.images, None)


def export(module: nn.Module, images: Tensor, path: Path) -> Path:
    """A file of real numbers, whose batch is free."""
    named = {"input_names": ["x"], "dynamic_axes": {"x": {0: "batch"}}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (images[:1],), path, opset_version=17, dynamo=False, **named)
    return path


def static(
    source: Path,
    images: Tensor,
    activations: str,
    per_channel: bool = True,
    weights: str = "QInt8",
    **options: object,
) -> Path:
    """The same file, quantised."""
    path = source.with_name(f"{source.stem}_{activations}{per_channel}{weights}{len(options)}.onnx")
    kind = quantization.QuantType
    quantization.quantize_static(
        source,
        path,
        Reader(images),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=per_channel,
        weight_type=kind[weights],
        activation_type=kind[activations],
        extra_options=options,
    )
    return path


def answers(model: Path | bytes, inputs: np.ndarray, outputs: list[str] | None = None) -> list[np.ndarray]:
    """What onnxruntime makes of inputs, as the file is written."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return session.run(outputs, {session.get_inputs()[0].name: inputs})
