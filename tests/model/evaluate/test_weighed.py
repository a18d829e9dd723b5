"""The recipe is weighed against plain choices on inputs that were held out, and the better one is kept."""

from dataclasses import replace

import numpy as np
import pytest

from pointwise.model.evaluate import evaluate
from pointwise.model.evaluate import weighed as module
from pointwise.model.evaluate.weighed import ENOUGH, MOST, PLAIN, held_out, weighed
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise import Recipe
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images

CONFIG = DeiTConfig(image_size=4, patch=2, in_channels=1, dim=8, depth=1, heads=2, mlp_ratio=2, classes=3)


@pytest.mark.parametrize(("count", "out"), [(1, 0), (ENOUGH - 1, 0), (ENOUGH, 2), (100, MOST), (1000, MOST)])
def test_a_few_of_many_are_held_out(count, out):
    kept, left = held_out(np.arange(count))
    assert len(left) == out
    assert sorted([*kept, *left]) == list(range(count))


@pytest.mark.parametrize("bits", [8, 2])
def test_the_better_one_is_kept(bits, monkeypatch):
    """Of two bits plain choices are the worse ones, of eight the better ones of so small a network."""
    plain = Recipe(replace(PLAIN.default, weight_bits=bits))
    monkeypatch.setattr(module, "PLAIN", plain)
    source, recipe = DeiTNetwork(CONFIG, synthetic_checkpoint(CONFIG).state), Recipe()
    kept, out = held_out(synthetic_images(CONFIG, ENOUGH).numpy())
    statistics = source.calibrate(kept, recipe)
    found = weighed(source, statistics, recipe, out)
    kept_db, plain_db = (
        evaluate(source.convert(statistics, one), source, out).sqnr_db for one in (recipe, plain)
    )
    assert (found.kept_db, found.plain_db) == (kept_db, plain_db)
    assert found.plain == (bits == 8)
    assert evaluate(found.network, source, out).sqnr_db == max(kept_db, plain_db)
