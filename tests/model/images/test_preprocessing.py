"""Descriptions of preprocessing: they survive JSON, and what is impossible is told."""

import json
from pathlib import Path

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.images.described import from_huggingface, huggingface_default, named
from pointwise.model.images.preprocessing import FAMILIES, Preprocessing, authors, plain, timm, timm_vit


def test_sizes_of_the_families() -> None:
    assert [authors(224).resize, authors(384).resize, timm(224).resize, timm(384).resize] == [
        256,
        438,
        248,
        426,
    ]
    assert (timm_vit(224).mean, timm(224).mean) == ((0.5, 0.5, 0.5), (0.485, 0.456, 0.406))
    assert (plain(8, 1).mean, authors(8, 2).std) == ((0.5,), (0.5, 0.5))
    assert huggingface_default("deit", 224, 3).resize == (256, 256)
    assert huggingface_default("vit", 8, 1).made_for(8, 1, "it").mean == (0.5,)
    assert str(authors(224)) == "256 bicubic, centre 224, mean 0.485 0.456 0.406, deviation 0.229 0.224 0.225"
    assert str(huggingface_default("vit", 224, 3)) == "224×224 bilinear, centre 224, mean 0.5, deviation 0.5"


@pytest.mark.parametrize("value", [authors(224), huggingface_default("deit", 64, 3), Preprocessing(8, None)])
def test_description_survives_json(value: Preprocessing) -> None:
    assert Preprocessing.from_dict(json.loads(json.dumps(value.to_dict()))) == value


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": 0}, "sizes must be whole numbers"),
        ({"resize": [8, "8"]}, "sizes must be whole numbers"),
        ({"interpolation": "cubic"}, 'resized by "cubic"; choose one of nearest'),
        ({"std": [0.5, 0, 0.5]}, "no zero to divide by"),
        ({"mean": [0.5]}, "one number for each colour"),
        ({"mean": 0.5}, "mean 0.5 and standard .*, but a list of numbers was expected"),
        ({"resize": 10**9}, r"resized to 1000000000 and cut to 8 pixels, but sizes must be .* of 1 to 8,192"),
        ({"size": None}, "cut to null pixels"),
        ({"resize": False}, "resized to false"),
        ({"resize": []}, r"resized to \[\]"),
        ({"resize": [8]}, r"resized to \[8\]"),
        ({"crop_down": {}}, "crop_down of images is {}"),
        ({"resize": [1, [2]]}, r"resized to \[1, \[2\]\]"),
        ({"scale": "1/255"}, "one number for each colour"),
        ({"gamma": 1}, 'does not know "gamma"'),
    ],
)
def test_impossible_values_are_told(change: dict[str, object], words: str) -> None:
    with pytest.raises(PointwiseError, match=words):
        Preprocessing.from_dict(plain(8).to_dict() | change)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"size": {"longest_edge": 32}}, "asks for the size"),
        ({"size": 32, "resample": 9}, "interpolation 9"),
        ({"size": 224}, "gives images of 224 pixels, but the network takes 32"),
        ({"do_center_crop": True, "crop_size": {"height": 32, "width": 30}}, "only squares are known"),
    ],
)
def test_what_a_preprocessor_file_cannot_mean_is_told(values: dict[str, object], words: str) -> None:
    with pytest.raises(PointwiseError, match=words):
        from_huggingface(values, 32, "here")


def test_a_person_names_a_family_or_a_file(tmp_path: Path) -> None:
    assert all(named(name, 32, 3) == family(32) for name, family in FAMILIES.items())
    path = tmp_path / "preprocessor_config.json"
    path.write_text('{"size": 32, "resample": 3}')
    assert named(str(path), 32, 3) == Preprocessing(
        32, (32, 32), crop_down=True, mean=(0.5,) * 3, std=(0.5,) * 3
    )
    pretrained = {"input_size": [3, 32, 32], "crop_pct": 0.5, "mean": [0, 0, 0], "std": [1, 1, 1]}
    path.write_text(json.dumps({"pretrained_cfg": pretrained}))
    assert named(str(path), 32, 3).resize == 64
    for text, words in (("{", "is no JSON"), ("[]", "an object was expected"), ('{"size": []}', "known")):
        path.write_text(text)
        with pytest.raises(PointwiseError, match=words):
            named(str(path), 32, 3)
    for text in ('{"size": 32}', json.dumps({"pretrained_cfg": pretrained})):
        path.write_text(text)
        with pytest.raises(PointwiseError, match="gives images of 3 colours, but the network takes 1"):
            named(str(path), 32, 1)
    with pytest.raises(PointwiseError, match="no preprocessing 'tim'; choose one of authors"):
        named("tim", 32, 3)
