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


def cut(name: str, count: int):
    """Leaves only the first values of an array."""
    return lambda d, a: a.update({name: a[name][:count].copy()})


def top(**values: object):
    """Changes what is said of the whole network."""
    return lambda d, a: d["network"].update(values)


def layer(which: str, **values: object):
    """Changes what is said of a layer."""
    return lambda d, a: next(one for one in d["layers"] if one["name"] == which).update(values)


def elsewhere(d, a) -> None:
    """A layer whose name is a path, and its arrays with it."""
    layer("head", name="../head")(d, a)
    for name in [name for name in a if name.startswith("head.")]:
        a[f"../{name}"] = a.pop(name)
    d["arrays"] = list(a)


def without_names(d, a) -> None:
    """As files of before the names of the arrays were kept, and the last layer's weights gone."""
    del d["arrays"], a["head.weight"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d, a: d.update(format=99), "is of format 99, but this version reads 1"),
        (lambda d, a: a.pop("head.bias"), "lacks head.bias"),
        (lambda d, a: a.pop("head.weight"), "lacks head.weight"),
        (lambda d, a: a.update(extra=np.zeros(1)), "holds extra, which belongs to no layer"),
        (lambda d, a: a.update({"head.bias": np.zeros(3)}), "holds head.bias as float64, but int32"),
        (lambda d, a: d["layers"][0].update(prologue="FAST"), 'says patch_embed.prologue "FAST", but'),
        (lambda d, a: d.pop("layers"), "lacks the description.layers"),
        (lambda d, a: d["network"].pop("macs"), "lacks network.macs"),
        (without_names, "lacks head.weight"),
        (lambda d, a: a.pop("blocks.0.mlp.fc1.table"), "lacks blocks.0.mlp.fc1.table"),
        (lambda d, a: a.pop("blocks.0.attn.o.1.exp_table"), "lacks blocks.0.attn.o.1.exp_table"),
        (cut("residual_init", 5), "residual_init of the shape (5, 8), but 6 rows"),
        (cut("head.weight", 2), "head.bias of the shape (3,), but (2,) was expected"),
        (cut("head.mult", 2), "head.mult of the shape (2,), but (3,) was expected"),
        (cut("blocks.0.mlp.fc1.channel_shift", 5), "fc1.channel_shift of the shape (5,), but (8,) was"),
        (cut("blocks.0.mlp.fc1.table", 100), "fc1.table of the shape (100,), but (256,) was expected"),
        (cut("blocks.0.attn.o.0.exp_table", 0), "o.0.exp_table of the shape (0,), but (256,) was expected"),
        (lambda d, a: a["head.shift"].fill(48), "values of head.shift beyond the 1 to 47"),
        (top(name="../../evil"), "has the name '../../evil' in it, but one without a folder"),
        (top(name=".."), "has the name '..' in it"),
        (top(name=""), "has the name '' in it"),
        (top(tokens="6"), 'says network.tokens "6", but a whole number was expected'),
        (top(tokens=True), "says network.tokens true, but a whole number"),
        (top(info=None), "says network.info null, but an object was expected"),
        (top(output_scale=float("nan")), "says network.output_scale NaN, but a finite number was expected"),
        (top(output="nothing"), "has no layer that gives nothing"),
        (top(input_channels=5), "patch_embed.weight of the shape (8, 4), but (8, 5) was expected"),
        (elsewhere, "has the name '../head' in it"),
        (layer("head", inputs="image"), 'says head.inputs "image", but a list was expected'),
        (layer("patch_embed", inputs=["no"]), "has no tensor no, which patch_embed reads"),
        (layer("head", count=-1), "says head.count -1, but at least 0 was expected"),
        (layer("head", first_token=6), "streams token 7 of head, but its inputs have [6]"),
        (layer("head", weight_bits=3), "says head.weight_bits 3, but 8, 4 or 2"),
        (layer("head_dist", output_token=1), "adds 1×3 values from row 1 of logits on in head_dist"),
        (layer("head", norm=[]), "says head.norm [], but an object was expected"),
        (layer("head", norm=None, odd=1), "has head.odd, which is not known"),
        (layer("head", name=7), "says layers[14].name 7, but a text was expected"),
        (lambda d, a: d["layers"].append([]), "says the description.layers[16] [], but an object"),
        (lambda d, a: d["layers"][0].pop("inputs"), "lacks patch_embed.inputs"),
        (lambda d, a: (d.pop("arrays"), a.pop("residual_init")), "lacks residual_init"),
        (layer("head", norm={"mean_mult": "1"}), 'says head.norm.mean_mult "1", but a whole number'),
        (layer("blocks.0.mlp.fc2", norm=None), "for the NORMALISE of head"),
        (layer("blocks.0.attn.s.0", row_max=False), "for the EXPONENTIAL of blocks.0.attn.o.0"),
        (layer("patch_embed", norm=None), "for the NORMALISE of blocks.0.attn."),
        (layer("blocks.0.attn.s.0", stationary_input=None), "has no tensor None, which blocks.0.attn.s.0"),
        (lambda d, a: d.update(layers=[]), "which belongs to no layer"),
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
