"""``pointwise qat``: four-bit weights on the shipped network, judged by their integers."""

import re
from pathlib import Path

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph.ops import Linear
from pointwise.model.quantise import load_network
from pointwise.sim.cli import qat


def test_w4a8_loses_at_most_a_point(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "new" / "w4.safetensors"
    qat.command(weights="lsq", activations="lsq", weight_bits=4, epochs=1, seed=0, threads=1, out=path)
    shown = capsys.readouterr().out
    rows = dict(re.findall(r"│ ([^│]+?) +│ +([\d.]+)", shown))
    assert rows["held-out images"] == "360"
    assert float(rows["top-1, integers after training"]) >= float(rows["top-1, float32 before"]) - 1
    network = load_network(path)
    layers = [op for op in network.ops if isinstance(op, Linear)]
    assert {layer.weight_bits for layer in layers} == {4}
    assert max(abs(int(layer.weight.min())) for layer in layers) == 7
    zeros = sum((layer.weight == 0).sum() for layer in layers) / sum(layer.weight.size for layer in layers)
    assert float(rows["weights that are 0"]) == pytest.approx(100 * zeros, abs=0.05)
    assert network.name == "w4" and network.info["training"]["training"]["epochs"] == 1


def test_a_file_that_cannot_be_written_is_told_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    first = "it trained first"
    monkeypatch.setattr("pointwise.model.qat.seeds.train_aware", lambda *_, **__: pytest.fail(first))
    with pytest.raises(PointwiseError, match=r"ends in \.pth"):
        qat.command(out=tmp_path / "net.pth")
