"""Quantisers by name, by file and by module."""

from pathlib import Path

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.qat import QUANTISERS, quantiser_class
from pointwise.model.qat.lsq import Lsq

MINE = """
from pointwise.model.qat import Quantiser

class Mine(Quantiser):
    def step(self, rows):
        return rows.detach().abs().mean(dim=1)

class Abstract(Quantiser):
    pass

number = 3
"""


def test_ours_have_names():
    assert {name: quantiser_class(name) for name in QUANTISERS} == QUANTISERS


def test_a_users_class_comes_from_a_file_or_a_module(tmp_path: Path):
    (tmp_path / "mine.py").write_text(MINE)
    found = quantiser_class(f"{tmp_path / 'mine.py'}:Mine")
    assert found.__name__ == "Mine" and found(4, 3).high == 7
    assert quantiser_class("pointwise.model.qat.lsq:Lsq") is Lsq


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lsqq", r"no quantiser 'lsqq'; choose one of lsq, minmax, pact, sawb, or name a class"),
        ("{mine}:Yours", r"mine\.py:Yours' cannot be imported \(AttributeError"),
        ("{mine}:number", r"mine\.py:number' is no class"),
        ("{mine}:Abstract", r"Abstract' is not a quantiser; .* define step\(\)"),
        ("{folder}/none.py:Mine", "there is no file"),
        ("{broken}:Mine", r"cannot be imported \(ZeroDivisionError"),
        ("no.such.module:Mine", r"cannot be imported \(ModuleNotFoundError"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path: Path, name: str, words: str):
    mine, broken = tmp_path / "mine.py", tmp_path / "broken.py"
    mine.write_text(MINE)
    broken.write_text("1 / 0")
    with pytest.raises(PointwiseError, match=words):
        quantiser_class(name.format(mine=mine, broken=broken, folder=tmp_path))
