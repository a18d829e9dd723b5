import json

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.deit import DeiT
from pointwise.model.networks import NETWORKS, DeiTConfig, expected_shapes, network

MICRO = NETWORKS["micro"].to_dict()


@pytest.mark.parametrize(
    ("name", "tokens", "macs"),
    [
        ("deit_tiny", 197, 1_253_683_200),
        ("deit_small", 197, 4_598_882_304),
        ("deit_base", 197, 17_563_828_224),
        ("deit_tiny_distilled", 198, 1_261_003_776),
        ("micro", 17, 1_994_592),
    ],
)
def test_size_of_a_network(name: str, tokens: int, macs: int) -> None:
    assert (network(name).tokens, network(name).macs) == (tokens, macs)


@pytest.mark.parametrize("name", NETWORKS)
def test_expected_tensors_are_those_of_the_network(name: str) -> None:
    state = DeiT(NETWORKS[name]).state_dict()
    assert {key: tuple(value.shape) for key, value in state.items()} == expected_shapes(NETWORKS[name])


def test_names_are_those_of_the_authors_release() -> None:
    names = set(expected_shapes(DeiTConfig(224, 16, 3, 192, 1, 3, 4, 1000, True)))
    affine = (
        *("patch_embed.proj", "norm", "head", "head_dist", "blocks.0.norm1", "blocks.0.norm2"),
        *("blocks.0.attn.qkv", "blocks.0.attn.proj", "blocks.0.mlp.fc1", "blocks.0.mlp.fc2"),
    )
    tokens = {"cls_token", "dist_token", "pos_embed"}
    assert names == tokens | {f"{name}.{kind}" for name in affine for kind in ("weight", "bias")}


@pytest.mark.parametrize("name", NETWORKS)
def test_description_survives_json(name: str) -> None:
    assert DeiTConfig.from_dict(json.loads(json.dumps(NETWORKS[name].to_dict()))) == NETWORKS[name]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"depth": 0}, "depth is 0"),
        ({"heads": True}, "heads is true"),
        ({"dim": "48"}, 'dim is "48"'),
        ({"patch": 3}, "image_size 8 does not divide into patches of 3"),
        ({"heads": 5}, "dim 48 does not divide among 5 heads"),
        ({"mlp_ratio": 1.01}, "hidden width must be a whole number"),
        ({"mlp_ratio": 0}, "hidden width must be a whole number"),
        ({"mlp_ratio": 2**27}, "hidden width must be a whole number"),
        ({"mlp_ratio": float("nan")}, "hidden width must be a whole number"),
        ({"mlp_ratio": "4"}, 'mlp_ratio is "4"'),
        ({"distilled": 1}, "distilled is 1"),
        ({"norm_eps": -1e-6}, "norm_eps is -1e-06"),
        ({"norm_eps": "1e-6"}, 'norm_eps is "1e-6"'),
        ({"window": 7}, 'a field "window"'),
    ],
)
def test_impossible_network_is_told(change: dict[str, object], words: str) -> None:
    with pytest.raises(PointwiseError, match=words):
        DeiTConfig.from_dict(MICRO | change)


def test_ratio_that_was_computed_is_a_whole_number_of_channels() -> None:
    """11 · (15 / 11) is not 15 in float64."""
    config = DeiTConfig.from_dict(MICRO | {"dim": 11, "heads": 1, "mlp_ratio": 15 / 11})
    assert 11 * config.mlp_ratio != 15
    assert config.hidden == 15


def test_missing_field_is_told() -> None:
    with pytest.raises(PointwiseError, match="lacks the field 'dim'"):
        DeiTConfig.from_dict({key: value for key, value in MICRO.items() if key != "dim"})


def test_unknown_network_is_told() -> None:
    with pytest.raises(PointwiseError, match="no network 'deit_huge'; choose one of deit_base"):
        network("deit_huge")
