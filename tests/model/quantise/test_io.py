"""Integer networks on disk: the same after reading, and a sentence for every file that is not one."""

import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy

from hw.contract.errors import PointwiseError
from model.networks import DeiTConfig
from model.quantise import load_network, quantise, save_network
from model.quantise.io import METADATA_KEY
from model.synthetic import synthetic_checkpoint, synthetic_images

CONFIG = DeiTConfig(
    image_size=4, patch=2, in_channels=1, dim=8, depth=1, heads=2, mlp_ratio=2, classes=3, distilled=True
)


@pytest.fixture(scope="module")
def network():
    return quantise(synthetic_checkpoint(CONFIG).state, CONFIG, synthetic_images(CONFIG, 4))


def equal(a, b) -> bool:
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    return a == b and type(a) is type(b)


def test_a_network_is_the_same_after_reading(network, tmp_path):
    save_network(tmp_path / "n.safetensors", network)
    again = load_network(tmp_path / "n.safetensors")
    for key, value in vars(network).items():
        if key != "layers":
            assert equal(value, getattr(again, key)), key
    for layer, other in zip(network.layers, again.layers, strict=True):
        for key, value in vars(layer).items():
            assert equal(value, getattr(other, key)), (layer.name, key)


def test_equal_networks_are_equal_files_and_nothing_else_is_left(network, tmp_path):
    save_network(tmp_path / "a.safetensors", network)
    save_network(tmp_path / "b.safetensors", load_network(tmp_path / "a.safetensors"))
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.safetensors", "b.safetensors"]


def test_a_failed_write_leaves_the_old_file(network, tmp_path):
    path = tmp_path / "n.safetensors"
    save_network(path, network)
    before = path.read_bytes()
    wrong = replace(network.layers[0], weight=np.full_like(network.layers[0].weight, 300, dtype=np.int64))
    with pytest.raises(PointwiseError, match=r"values of patch_embed\.weight do not fit int8"):
        save_network(path, replace(network, layers=(wrong, *network.layers[1:])))
    assert path.read_bytes() == before


def damaged(path, change) -> None:
    """Write a file again after ``change`` of its description and arrays."""
    with safetensors.safe_open(path, framework="np") as file:
        description = json.loads(file.metadata()[METADATA_KEY])
        arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    change(description, arrays)
    safetensors.numpy.save_file(arrays, path, {METADATA_KEY: json.dumps(description)})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d, a: d.update(format=99), "is of format 99, but this version reads 1"),
        (lambda d, a: a.pop("head.bias"), "lacks head.bias"),
        (lambda d, a: a.pop("head.weight"), "lacks head.weight"),
        (lambda d, a: a.update(extra=np.zeros(1)), "holds extra, which belongs to no layer"),
        (lambda d, a: a.update({"head.bias": np.zeros(3)}), "holds head.bias as float64, but int32"),
        (lambda d, a: d["layers"][0].update(prologue="FAST"), "is damaged"),
        (lambda d, a: d.pop("layers"), "is damaged"),
        (lambda d, a: d["network"].pop("macs"), "is damaged"),
    ],
)
def test_damage_is_told_in_a_sentence(network, tmp_path, change, words):
    path = tmp_path / "n.safetensors"
    save_network(path, network)
    damaged(path, change)
    with pytest.raises(PointwiseError) as caught:
        load_network(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_other_files_are_told_in_a_sentence(network, tmp_path):
    with pytest.raises(PointwiseError, match="There is no integer network"):
        load_network(tmp_path / "none.safetensors")
    with pytest.raises(PointwiseError, match=r"ends in \.bin"):
        load_network(tmp_path / "n.bin")
    with pytest.raises(PointwiseError, match="cannot be written"):
        save_network(tmp_path / "no" / "n.safetensors", network)
    rubbish = tmp_path / "r.safetensors"
    rubbish.write_bytes(b"rubbish")
    with pytest.raises(PointwiseError, match="cannot be read"):
        load_network(rubbish)
    safetensors.numpy.save_file({"a": np.zeros(1)}, rubbish)
    with pytest.raises(PointwiseError, match="holds no integer network"):
        load_network(rubbish)
