"""Integer networks on disk: the same after reading, and a sentence for every file that is not one."""

import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise import load_network, save_network
from pointwise.model.quantise.io import METADATA_KEY
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images
from tests.model.graph.equality import same

CONFIG = DeiTConfig(
    image_size=4, patch=2, in_channels=1, dim=8, depth=1, heads=2, mlp_ratio=2, classes=3, distilled=True
)


@pytest.fixture(scope="module")
def network():
    return DeiTNetwork(CONFIG, synthetic_checkpoint(CONFIG).state).quantise(synthetic_images(CONFIG, 4))


def test_a_network_is_the_same_after_reading(network, tmp_path):
    save_network(tmp_path / "n.safetensors", network)
    again = load_network(tmp_path / "n.safetensors")
    assert (again.name, again.output, again.info) == (network.name, network.output, network.info)
    for op, other in zip(network.ops, again.ops, strict=True):
        assert same(op, other), op.name


def test_equal_networks_are_equal_files_and_nothing_else_is_left(network, tmp_path):
    save_network(tmp_path / "a.safetensors", network)
    save_network(tmp_path / "b.safetensors", load_network(tmp_path / "a.safetensors"))
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.safetensors", "b.safetensors"]


def test_a_failed_write_leaves_the_old_file(network, tmp_path):
    path = tmp_path / "n.safetensors"
    save_network(path, network)
    before = path.read_bytes()
    embed = network["patch_embed"]
    wrong = replace(embed, weight=np.full_like(embed.weight, 300, dtype=np.int64))
    with pytest.raises(PointwiseError, match=r"values of patch_embed\.weight do not fit int8"):
        save_network(path, network.changed({"patch_embed": wrong}))
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


def op(which: str, **values: object):
    """Changes what is said of an operator."""
    return lambda d, a: next(one for one in d["ops"] if one["name"] == which).update(values)


def elsewhere(d, a) -> None:
    """An operator whose name is a path, and its arrays with it."""
    op("head_dist", name="../head")(d, a)
    op("logits", inputs=["head", "../head"])(d, a)
    for name in [name for name in a if name.startswith("head_dist.") and "token" not in name]:
        a[name.replace("head_dist", "../head")] = a.pop(name)
    d["arrays"] = list(a)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d, a: d.update(format=99), "is of format 99, but this version reads 2"),
        (lambda d, a: a.pop("head.bias"), "lacks head.bias"),
        (lambda d, a: a.pop("head.weight"), "lacks head.weight"),
        (lambda d, a: a.update(extra=np.zeros(1)), "holds extra, which belongs to no operator"),
        (lambda d, a: a.update({"head.bias": np.zeros(3)}), "holds head.bias as float64, but int32"),
        (op("head", op="Conv7"), 'says head.op "Conv7", but one of Activation, Add'),
        (lambda d, a: d.pop("ops"), "lacks the description.ops"),
        (lambda d, a: d["network"].pop("output"), "lacks network.output"),
        (lambda d, a: d.pop("arrays"), "lacks the description.arrays"),
        (lambda d, a: a.pop("blocks.0.mlp.act.table"), "lacks blocks.0.mlp.act.table"),
        (lambda d, a: (d["arrays"].remove("head.bias"), a.pop("head.bias")), "head has bias of none"),
        (lambda d, a: (d["arrays"].remove("norm.scale"), a.pop("norm.scale")), "lacks norm.scale"),
        (cut("x.values", 5), "adds patch_embed (6, 8) to x (5, 8)"),
        (cut("head.weight", 2), "head has bias of the shape (3,), but (2,) was expected"),
        (cut("head.mult", 2), "head has mult of the shape (2,), but (3,) was expected"),
        (cut("norm.channel_shift", 5), "norm has channel_shift of the shape (5,), but (8,) was"),
        (cut("blocks.0.mlp.act.table", 100), "act has table of the shape (100,), but (256,) was expected"),
        (cut("blocks.0.attn.softmax.0.table", 0), "softmax.0 has table of the shape (0,), but (256,) was"),
        (cut("norm.scale", 3), "norm has a scale of the shape (3,), but one number"),
        (lambda d, a: a["head.shift"].fill(48), "head has shift values from 48 to 48, but 1 to 47"),
        (top(name="../../evil"), 'has the name "../../evil" in it, but one without a folder'),
        (top(name="a\ud800"), r'has the name "a\ud800" in it'),
        (top(name="a\0"), r'has the name "a\u0000" in it'),
        (top(name="x" * 5000), "of at most 180 bytes"),
        (top(name=".."), 'has the name ".." in it'),
        (top(name=""), 'has the name "" in it'),
        (top(info=None), "says network.info null, but an object was expected"),
        (top(output="nothing"), "no operator makes nothing"),
        (cut("x.values", 0), "x has values of the shape (0, 8)"),
        (op("image", shape=[6]), "says image.shape [6], but a list of at least 2 was expected"),
        (op("image", shape=[0, 4]), "has the shape (0, 4)"),
        (op("image", dtype="int3"), "makes int3, but int8 or uint8"),
        (elsewhere, 'has the name "../head" in it'),
        (op("head", inputs="image"), 'says head.inputs "image", but a list was expected'),
        (op("head", inputs=[]), "head reads 0 values, but 1 was expected"),
        (op("patch_embed", inputs=["no"]), "reads no, which no operator before it makes"),
        (op("head.token", count=-1), "says head.token.count -1, but at least 0 was expected"),
        (op("head.token", first=6), "takes 1 tokens from token 6 on, but norm has 6"),
        (op("head", weight_bits=3), "head has weights of 3 bits; 8, 4 and 2"),
        (op("blocks.0.attn.o.0", divide=False), "has divide = False, but the rows of"),
        (op("blocks.0.attn.s.0", transposed=False), "multiplies 4 channels with 6 of blocks.0.attn.k.0"),
        (op("norm", constants=[]), "says norm.constants [], but an object was expected"),
        (op("norm", constants=None), "norm has no constants"),
        (op("norm", constants={"mean_mult": "1"}), 'says norm.constants.mean_mult "1", but a whole number'),
        (
            op("head", quantisation={"scale": float("nan"), "zero_point": 0, "offset": 0}),
            "but a finite number",
        ),
        (op("head", odd=1), "has head.odd, which is not known"),
        (op("head", name=7), "says ops[27].name 7, but a text was expected"),
        (lambda d, a: d["ops"].append([]), "says the description.ops[31] [], but an object"),
        (lambda d, a: d.update(ops=[]), "which belongs to no operator"),
        (op("logits", name="patch_embed.add"), "has two operators patch_embed.add"),
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
    with pytest.raises(
        PointwiseError,
        match=r"none\.safetensors is not there; check the path, or make one",
    ):
        load_network(tmp_path / "none.safetensors")
    for name, words in (
        ("n.bin", r"ends in \.bin"),
        ("n.pth", r"is a file of PyTorch.*--checkpoint .*n\.pth --out .*n_int8\.safetensors\."),
        ("n", r"is a folder, but a file"),
    ):
        (tmp_path / name).touch() if "." in name else (tmp_path / name).mkdir()
        with pytest.raises(PointwiseError, match=words):
            load_network(tmp_path / name)
    with pytest.raises(PointwiseError, match="cannot be written"):
        save_network(tmp_path / "no" / "n.safetensors", network)
    rubbish = tmp_path / "r.safetensors"
    rubbish.write_bytes(b"rubbish")
    with pytest.raises(PointwiseError, match="cannot be read"):
        load_network(rubbish)
    safetensors.numpy.save_file({"a": np.zeros(1)}, rubbish)
    with pytest.raises(PointwiseError, match="no integer network; make one with pointwise quantise"):
        load_network(rubbish)
