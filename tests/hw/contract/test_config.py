"""The core's configuration: what it derives, and the sentence for each parameter that does not fit."""

import dataclasses
from pathlib import Path

import pytest

from pointwise.hw.contract.config import PRESETS, CoreConfig
from pointwise.hw.contract.errors import PointwiseError


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"rows": 0}, "rows = 0"),
        ({"cols": 65}, "cols = 65"),
        ({"rows": 6, "cols": 4}, "rows = 6 and cols = 4"),
        ({"rows": 8, "cols": 16, "post_lanes": 3}, "post_lanes = 3"),
        ({"rows": 8, "cols": 16, "post_lanes": 16}, "post_lanes = 16"),
        ({"max_tokens": 1}, "max_tokens = 1"),
        ({"max_tokens": 1025}, "max_tokens = 1025"),
        ({"act_banks": 0}, "act_banks = 0"),
        ({"axi_data_width": 48}, "axi_data_width = 48"),
        ({"axi_burst": 24}, "axi_burst = 24"),
        ({"axi_burst": 64, "axi_data_width": 512, "stream_beats": 128}, None),
        ({"stream_beats": 16}, "stream_beats = 16"),
        ({"rows": 16.0}, "rows is 16.0"),
        ({"rows": True}, "rows is true, no whole number"),
    ],
)
def test_each_bad_parameter_is_named(parameters: dict, named: str | None) -> None:
    if named is None:
        assert CoreConfig(**parameters).axi_burst * 64 == 4096
        return
    with pytest.raises(PointwiseError, match=named):
        CoreConfig(**parameters)


def test_derived_sizes() -> None:
    core = CoreConfig(rows=3, cols=6, act_kib=10, act_banks=4, res_kib=5, axi_data_width=64)
    assert core.post_lanes == 3
    assert core.groups == 2
    assert core.act_words == 10 * 1024 // 3 // 4 * 4
    assert core.bank_words * 4 == core.act_words
    assert core.res_words == 5 * 1024 // 6
    assert (core.row_bytes, core.act_word_bytes, core.res_word_bytes, core.bus_bytes) == (8, 4, 8, 8)


@pytest.mark.parametrize("name", PRESETS)
def test_json_brings_back_the_same_core(name: str, tmp_path: Path) -> None:
    path = tmp_path / "core.json"
    path.write_text(PRESETS[name].to_json())
    assert CoreConfig.from_json(path) == PRESETS[name]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        ("{", "is no JSON"),
        ("[]", r"holds \[\], but an object was expected; write it anew"),
        ('{"row": 4}', "row is unknown"),
        ('{"rows": 0}', r"core\.json: core parameter rows = 0 is out of range"),
    ],
)
def test_bad_files_are_told_in_a_sentence(text: str | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "core.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(PointwiseError, match=said):
        CoreConfig.from_json(path)


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        CoreConfig().rows = 8
