"""Any module of known operators becomes a network: equal in real numbers, and in integers bit for bit."""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import pointwise as pw
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.deit import DeiT
from pointwise.model.emulator import Emulator, Order
from pointwise.model.engine import fuse
from pointwise.model.frontends import FloatNetwork, module_in_file
from pointwise.model.graph import run
from pointwise.model.graph.ops import (
    Activation,
    Add,
    Concat,
    Constant,
    Input,
    LayerNorm,
    Linear,
    MatMul,
    MeanPool,
)
from pointwise.model.models.deit import deit_graph
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise import patchify
from pointwise.model.synthetic import synthetic_checkpoint
from tests.model.frontends import modules
from tests.slow import few

IMAGE, TOKENS = torch.zeros(1, 3, 8, 6), torch.zeros(1, 5, modules.DIM)
CORE = {"rows": 4, "cols": 4, "max_tokens": 16, "act_kib": 16, "res_kib": 4}
CASES = {
    "residual": (modules.Residual, torch.zeros(1, 12)),
    "reused": (modules.Reused, torch.zeros(1, 9, 12)),
    "vision": (modules.Vision, IMAGE),
    "embedded": (lambda: modules.Vision(embedded=True), IMAGE),
    "mean": (lambda: modules.Vision("mean"), IMAGE),
    "norm": (lambda: modules.Vision("norm"), IMAGE),
    "map": (lambda: modules.Vision("map"), IMAGE),
    "both": (lambda: modules.Vision("both"), IMAGE),
    "stream": (lambda: modules.Vision("stream"), IMAGE),
    "biased": (lambda: modules.Vision("biased"), IMAGE),
    "branch": (lambda: modules.Vision("branch"), IMAGE),
    "pre-norm": (lambda: modules.encoder(True), TOKENS),
    "post-norm": (lambda: modules.encoder(False), TOKENS),
    "batch second": (lambda: modules.encoder(True, False, "relu"), TOKENS.transpose(0, 1)),
    "stacked": (modules.Parallel, TOKENS),
    "unbatched": (lambda: modules.encoder(True), TOKENS[0]),
    "written out": (lambda: nn.Sequential(nn.Linear(16, 8), modules.Norm(8), nn.Linear(8, 3)), TOKENS),
}


def loaded(name: str) -> tuple[nn.Module, FloatNetwork, Tensor]:
    """A module, what became of it, and its example."""
    torch.manual_seed(len(name))
    make, example = CASES[name]
    module = make().eval()
    return module, pw.load(module, example, name="mine"), example


@pytest.mark.parametrize("name", few(CASES, list(CASES)[::3]))
def test_a_module_goes_the_whole_way(name: str) -> None:
    module, source, example = loaded(name)
    inputs = torch.randn(40, *source.input_shape)
    with torch.no_grad():
        expected = torch.stack([module(one.reshape(example.shape)).flatten() for one in inputs])
    assert np.abs(source.results(inputs) - expected.double().numpy()).max() < 1e-4
    network = pw.quantise(pw.calibrate(source, inputs[:32]))
    result = pw.evaluate(network, source, inputs[32:])
    print(f"{name}: {len(source.graph)} operators, {result.sqnr_db:.1f} dB")
    assert result.sqnr_db > 20
    compiled = pw.compile(network, trace=True, **CORE)
    rows = patchify(network, inputs[:1].numpy())[0]
    stored = compiled.read_output(
        Emulator(compiled.image, compiled.config).run(compiled.pack_input(rows), Order.LATE_WRITES)
    )
    values = run(network, rows)
    for op in fuse(network):
        assert np.array_equal(stored[op.name], values[op.output]), op.name


def test_the_mean_of_a_stream_is_that_of_its_terms() -> None:
    """None of them is made of a copy of the stream, whose bytes would be coarser."""
    _, source, _ = loaded("stream")
    means = [op for op in source.graph.ops if isinstance(op, MeanPool)]
    assert len(means) == 9 and all(op.first == 3 for op in means)  # patches, and two branches of each block
    assert not any(isinstance(source.graph[name], Add) for op in means for name in op.inputs)


def test_what_attention_makes_is_read_by_one_layer() -> None:
    _, source, _ = loaded("branch")
    graph = source.graph
    (name,) = (op.name for op in graph.ops if isinstance(op, Concat) and "pooling" in op.name)
    assert len(graph.readers[name]) == 1


def test_no_operator_is_called_as_the_input_is() -> None:
    """Calibration keeps what it saw of the input beside what it saw of operators, by name."""
    layers = {"patches": nn.Conv2d(3, 6, 4, 4), "pixels": nn.Conv2d(6, 5, (2, 1)), "flat": nn.Flatten()}
    module = nn.Sequential(OrderedDict(layers))
    source = pw.load(module, IMAGE)
    assert not {"patches", "pixels"} & {op.name for op in source.graph.ops}
    pw.calibrate(source, torch.randn(2, 3, 8, 6))


def test_operators_of_one_layer_are_numbered() -> None:
    """From the second on, as recipes and reports name them."""
    layer = nn.Linear(4, 4)
    source = pw.load(nn.Sequential(*[layer, nn.ReLU()] * 2, layer), torch.zeros(1, 4))
    assert [op.name for op in source.graph.ops if isinstance(op, Linear)] == ["4", "4.2", "4.3"]


@pytest.mark.parametrize("distilled", [False, True])
def test_the_projects_own_deit_gives_its_own_graph(distilled: bool) -> None:
    """From its module as from its checkpoint: the same products, in the same order."""
    config = DeiTConfig(8, 4, 1, 8, 2, 2, 2, 3, distilled=distilled)
    state = synthetic_checkpoint(config).state
    found = pw.load(DeiT.from_state(config, state), torch.zeros(1, 1, 8, 8)).graph
    expected = deit_graph(config, state)
    for kind in (Linear, MatMul, LayerNorm, Activation, Constant, Input):
        pairs = zip(
            [op for op in found.ops if isinstance(op, kind)],
            [op for op in expected.ops if isinstance(op, kind)],
            strict=True,
        )
        for one, other in pairs:
            for field in ("weight", "bias", "values", "factor", "zero_rows", "epsilon"):
                numbers = [getattr(op, field, None) for op in (one, other)]
                numbers = [0 if part is None else part for part in numbers]
                assert np.allclose(*numbers, rtol=1e-6, atol=1e-9), (one.name, field)
            assert getattr(one, "function", None) == getattr(other, "function", None)
    assert found.macs == expected.macs
    assert [op.layer for op in found.ops if isinstance(op, MatMul)] == [
        op.layer for op in expected.ops if isinstance(op, MatMul)
    ]


def test_training_mode_and_the_fast_path_are_left_as_they_were() -> None:
    module = modules.encoder(True).train()
    pw.load(module, TOKENS)
    assert module.training and torch.backends.mha.get_fastpath_enabled()
    wrapped = nn.Sequential(nn.Linear(16, 16), module.eval())
    pw.load(wrapped, TOKENS)
    assert wrapped.training and wrapped[0].training and not any(one.training for one in module.modules())


class Masked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = modules.encoder(True)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x, src_mask=torch.tril(torch.ones(5, 5)) - 1)


class Biased(modules.Explicit):
    """Attention with a bias for each pair of tokens, as windows have it."""

    def __init__(self) -> None:
        super().__init__(2)
        self.pairs = nn.Parameter(torch.randn(2, 5, 5))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).reshape(1, 5, 3, 2, 8).permute(2, 0, 3, 1, 4).unbind(0)
        return self.proj(((q @ k.mT + self.pairs).softmax(-1) @ v).transpose(1, 2).flatten(2))


class Does(nn.Module):
    """A linear layer, and then whatever a test wants."""

    def __init__(self, then: object) -> None:
        super().__init__()
        self.layer, self.then = nn.Linear(16, 8), then

    def forward(self, x: Tensor) -> Tensor:
        return self.then(self.layer(x))


REFUSED = {
    "gate": (Does(lambda x: x[..., :4] * x[..., 4:]), "mul multiplies two tensors element by element"),
    "unknown": (Does(lambda x: torch.cumsum(x, 1)), "cumsum is an operator that is not known"),
    "function": (Does(lambda x: torch.sin(x) + 1), "returns a function of one number that is none of elu"),
    "softmax": (Does(lambda x: x.softmax(1)), "softmax takes the softmax of another dimension than the last"),
    "tokens": (Does(lambda x: x @ x.transpose(1, 2) @ x[:, :2].transpose(1, 2)), "."),
    "two": (Does(lambda x: (x, x + 1)), "returns 2 tensors, of which 2 depend on its input"),
    "constant": (Does(lambda x: torch.ones(3)), "returns 1 tensors, of which 0 depend on its input"),
    "values": (Does(lambda x: x if x.sum() > 0 else -x), "cannot be captured by torch.export"),
    "order": (Does(lambda x: nn.functional.linear(x.flip(1), torch.ones(3, 8))), "tokens in another order"),
    "part": (Does(lambda x: x[..., :4]), "returns some of the channels"),
    "mask": (Masked(), "masks the scores of attention"),
    "scores": (Biased(), "adds to scores or results of the heads of attention"),
    "root": (Does(lambda x: x * x.pow(2).mean(-1, keepdim=True).add(1e-6).rsqrt()), "RMSNorm takes off no"),
    "sum": (Does(lambda x: x.sum((1, 2))), "adds up [0-9]+ elements of a tensor"),
    "many": (Does(lambda x: torch.cat([x, x], 2).sum(2)), "adds up 16 elements of a tensor"),
    "variance": (Does(lambda x: x - x.var(-1, keepdim=True)), "takes a variance with a correction"),
    "rows": (Does(lambda x: torch.ones(2, 5) @ x), "multiplies a constant of 2 rows with a tensor"),
    "map": (nn.Conv2d(3, 8, 3), r"returns a picture with its channels in front \(1, 8, 7, 7\)"),
    "volume": (nn.Conv3d(3, 8, 3), "conv3d is a convolution over 3 dimensions, with kernels that do not lie"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_known_is_told_by_operator_module_and_line(name: str) -> None:
    module, words = REFUSED[name]
    examples = {"map": torch.zeros(1, 3, 9, 9), "volume": torch.zeros(1, 3, 9, 9, 9)}
    example = examples.get(name, TOKENS)
    with pytest.raises(PointwiseError, match=words) as caught:
        pw.load(module, example)
    told = str(caught.value)
    assert "\n" not in told
    if name in ("gate", "unknown", "softmax"):
        source = Path(__file__).read_text().splitlines()
        line = 1 + source.index("        return self.then(self.layer(x))")
        assert told.startswith(f"Does, test_module.py:{line} (return self.then(self.layer(x))): ")
    if name == "mask":
        assert told.startswith("inner.self_attn (MultiheadAttention), ")


def test_examples_that_are_no_input_are_told() -> None:
    module = nn.Linear(3, 2)
    for example, words in (
        (None, r"give it as pw.load\(module, example\)"),
        (torch.zeros(1, 3, dtype=torch.int64), "a tensor of torch.int64 and the shape"),
        (torch.zeros(8, 3, 4, 4), r"a batch of 8, but one input was expected; give example\[:1\]"),
        (torch.zeros(1, 5), "cannot be captured by torch.export"),
    ):
        with pytest.raises(PointwiseError, match=words):
            pw.load(module, example)
    with pytest.raises(PointwiseError, match="but no module of PyTorch nor an ONNX file"):
        pw.load(example=torch.zeros(1))


def test_functions_in_files(tmp_path: Path) -> None:
    path = tmp_path / "nets.py"
    path.write_text(
        "import torch\n"
        "build = lambda: (torch.nn.Linear(3, 2), torch.zeros(1, 3))\n"
        "wrong = lambda: torch.nn.Linear(3, 2)\n"
    )
    module, example = module_in_file(f"{path}:build")
    assert isinstance(module, nn.Linear) and example.shape == (1, 3)
    for name, words in (
        (f"{path}:wrong", "returns a Linear, but the module and an example of its input were expected"),
        (f"{path}", "is no function in a file; name it as my_net.py:build"),
        (f"{path}:nothing", "cannot be imported"),
    ):
        with pytest.raises(PointwiseError, match=words):
            module_in_file(name)
