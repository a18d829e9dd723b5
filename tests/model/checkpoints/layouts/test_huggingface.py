"""Checkpoints that transformers itself wrote give the logits that transformers itself computes."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
import transformers

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.checkpoints import load_checkpoint
from pointwise.model.deit import DeiT
from pointwise.model.networks import DeiTConfig

SIZES = {
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 36,
    "image_size": 12,
    "patch_size": 4,
    "num_channels": 2,
    "num_labels": 5,
}
EXPECTED = DeiTConfig(12, 4, 2, 24, 2, 4, 1.5, 5, norm_eps=1e-12)


def theirs(kind: str, **changes: object) -> torch.nn.Module:
    """A network of transformers with weights that are far from neutral."""
    classes = {
        "vit": (transformers.ViTForImageClassification, transformers.ViTConfig),
        "deit": (transformers.DeiTForImageClassificationWithTeacher, transformers.DeiTConfig),
        "one head": (transformers.DeiTForImageClassification, transformers.DeiTConfig),
    }
    network, config = classes[kind]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        net = network(config(**SIZES | changes)).eval()
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.add_(0.3 * torch.randn(parameter.shape))
    return net


def same_logits(net: torch.nn.Module, folder: Path) -> float:
    """The largest difference of the logits, both in float64."""
    checkpoint = load_checkpoint(folder)
    assert checkpoint.layout == "Hugging Face"
    ours = DeiT.from_state(checkpoint.config, checkpoint.state).double()
    images = torch.randn(3, 2, 12, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad():
        expected, logits = net.double()(images).logits, ours(images)
    assert expected.std() > 0.5
    return float((expected - logits).abs().max())


@pytest.mark.parametrize("original", [True, False], ids=["names of the hub", "names of the modules"])
@pytest.mark.parametrize("kind", ["vit", "deit", "one head"])
def test_logits_are_theirs(tmp_path: Path, kind: str, original: bool) -> None:
    net = theirs(kind)
    net.save_pretrained(tmp_path, save_original_format=original)
    assert same_logits(net, tmp_path) < 1e-12
    config = load_checkpoint(tmp_path).config
    assert (config.distilled, config.norm_eps, config.heads) == (kind != "vit", 1e-12, 4)
    if kind == "vit":
        assert config == EXPECTED


def test_epsilon_and_missing_biases_are_theirs(tmp_path: Path) -> None:
    net = theirs("vit", layer_norm_eps=0.1, qkv_bias=False)
    net.save_pretrained(tmp_path)
    assert same_logits(net, tmp_path) < 1e-12
    checkpoint = load_checkpoint(tmp_path)
    assert checkpoint.config.norm_eps == 0.1
    assert not checkpoint.state["blocks.1.attn.qkv.bias"].any()


def test_several_files_are_one_checkpoint(tmp_path: Path) -> None:
    net = theirs("deit")
    net.save_pretrained(tmp_path, max_shard_size="20KB")
    shards = sorted(tmp_path.glob("model-*.safetensors"))
    assert len(shards) > 1
    assert same_logits(net, tmp_path) < 1e-12
    shards[1].unlink()
    with pytest.raises(PointwiseError, match=f"lacks {shards[1].name}, which model"):
        load_checkpoint(tmp_path)


def test_pooler_is_left_out_and_the_file_alone_finds_its_description(tmp_path: Path) -> None:
    net = theirs("vit")
    net.save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = safetensors.torch.load_file(path) | {"vit.pooler.dense.weight": torch.zeros(24, 24)}
    safetensors.torch.save_file(tensors, path)
    assert same_logits(net, path) < 1e-12


def test_classes_have_the_names_that_config_gives(tmp_path: Path) -> None:
    names = {0: "daisy", 1: "rose", 2: "tulip", 3: "iris", 4: "poppy"}
    theirs("vit", id2label=names).save_pretrained(tmp_path)
    assert load_checkpoint(tmp_path).class_names == tuple(names.values())
    theirs("vit").save_pretrained(tmp_path)
    assert load_checkpoint(tmp_path).class_names is None, "LABEL_0 is no name"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    theirs("vit").save_pretrained(tmp_path)
    return tmp_path


def change_config(folder: Path, **values: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"model_type": "swin"}, 'model_type "swin", but vit and deit can be read'),
        ({"hidden_act": "gelu_new"}, 'hidden_act "gelu_new", but gelu can be read'),
        ({"num_hidden_layers": 3}, "says depth 3, but its weights have 2"),
        ({"image_size": 224}, "says image_size 224, but its weights have 12"),
        ({"intermediate_size": 48}, "says hidden 48, but its weights have 36"),
        ({"num_attention_heads": 5}, "dim 24 does not divide among 5 heads"),
        ({"num_attention_heads": 0}, "heads is 0, but it must be a whole number"),
        ({"num_attention_heads": [[4]]}, r"heads is \[4\], but it must be a whole number"),
        ({"patch_size": [[4]]}, r"says patch \[4\], but its weights have 4"),
        ({"patch_size": [4, 8]}, r"says patch \[4, 8\], but its weights have 4"),
        ({"patch_size": []}, r"says patch \[\], but its weights have 4"),
        ({"layer_norm_eps": "small"}, 'norm_eps is "small"'),
    ],
)
def test_description_that_does_not_fit_is_told(folder: Path, values: dict[str, object], words: str) -> None:
    change_config(folder, **values)
    with pytest.raises(PointwiseError, match=words):
        load_checkpoint(folder)


def test_sides_that_are_alike_are_one(folder: Path) -> None:
    change_config(folder, patch_size=[4, 4], image_size=[12])
    assert load_checkpoint(folder).config == EXPECTED


def test_another_number_of_heads_than_asked_for_is_told(folder: Path) -> None:
    with pytest.raises(PointwiseError, match="its heads is 4, while 6 was asked for"):
        load_checkpoint(folder, DeiTConfig(12, 4, 2, 24, 2, 6, 1.5, 5))
    with pytest.raises(PointwiseError, match="has 4 heads, while 6 were asked for"):
        load_checkpoint(folder, heads=6)


@pytest.mark.parametrize(
    ("added", "removed", "words"),
    [
        ("vit.embeddings.register_tokens", None, r"holds vit\.embeddings\.register_tokens, which"),
        ("vit.encoder.layer.1.layer_scale1", None, r"holds vit\.encoder\.layer\.1\.layer_scale1, which"),
        (None, "vit.encoder.layer.1.attention.attention.key.bias", r"lacks blocks\.1\.attn\.qkv\.bias"),
        (None, "classifier.weight", r"lacks head\.weight"),
    ],
)
def test_unknown_and_missing_tensors_are_named(folder, added, removed, words) -> None:
    path = folder / "model.safetensors"
    tensors = safetensors.torch.load_file(path)
    if added:
        tensors[added] = torch.zeros(3)
    if removed:
        del tensors[removed]
    safetensors.torch.save_file(tensors, path)
    with pytest.raises(PointwiseError, match=words):
        load_checkpoint(folder)


def test_without_description_the_heads_must_be_told(folder: Path) -> None:
    (folder / "config.json").unlink()
    with pytest.raises(PointwiseError, match="how many attention heads share its 24 channels"):
        load_checkpoint(folder)
    assert load_checkpoint(folder, heads=4).config == EXPECTED


def test_index_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../secret.safetensors"}}')
    with pytest.raises(PointwiseError, match="does not say which file of the folder"):
        load_checkpoint(tmp_path)


def test_folder_without_weights_is_told(tmp_path: Path) -> None:
    with pytest.raises(PointwiseError, match=r"holds neither model\.safetensors nor model"):
        load_checkpoint(tmp_path)
