"""Training aware of quantisation: repeatable, and worth it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model import digits
from pointwise.model.checkpoints import MICRO_DIGITS, Checkpoint, load_checkpoint
from pointwise.model.evaluate import compare, float_logits, integer_logits
from pointwise.model.fitting import TrainingRecipe
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.graph import Graph
from pointwise.model.graph.ops import Linear
from pointwise.model.qat import QatRecipe, train_aware
from pointwise.model.synthetic import synthetic_checkpoint
from tests.model.qat.conftest import SMALL

BROKEN = """
from pointwise.model.qat import Quantiser

class Raises(Quantiser):
    def step(self, rows):
        raise ValueError("odd")

class Shape(Quantiser):
    def step(self, rows):
        return rows.detach().abs().amax(dim=0)

class Takes(Quantiser):
    def __init__(self, bits):
        super().__init__(bits)

    def step(self, rows):
        return rows.detach().abs().amax(dim=1)
"""
SHORT = TrainingRecipe(epochs=1, batch=64, learning_rate=1e-3, warmup_epochs=1)


def weights(network: Graph) -> list[bytes]:
    return [op.weight.tobytes() for op in network.ops if isinstance(op, Linear)]


def test_the_same_seed_gives_the_same_integers(checkpoint: Checkpoint, data: digits.Digits):
    recipe = QatRecipe(training=SHORT)
    torch.manual_seed(1)
    first = train_aware(DeiTNetwork.of(checkpoint, "deit"), data.train, data.calibration, recipe)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    again = train_aware(DeiTNetwork.of(checkpoint, "deit"), data.train, data.calibration, recipe)
    assert torch.equal(torch.get_rng_state(), state), "the caller's random numbers are left alone"
    assert weights(first.network) == weights(again.network)
    other = train_aware(
        DeiTNetwork.of(checkpoint, "deit"),
        data.train,
        data.calibration,
        QatRecipe(training=replace(SHORT, seed=1)),
    )
    assert weights(other.network) != weights(first.network) != weights(first.before)
    assert first.network.info["training"]["weights"] == "lsq"


@pytest.mark.slow
def test_ternary_weights_win_most_of_it_back():
    """The shipped network, judged by its integers on the digits that are held out.

    Four bits are tested with the command, in ``tests/sim/test_qat.py``.
    """
    checkpoint, data = load_checkpoint(MICRO_DIGITS), digits.load()
    images, labels = data.held_out.normalised(), data.held_out.labels
    exact = float_logits(checkpoint.state, checkpoint.config, images)

    def top1(network: Graph) -> float:
        return compare(exact, integer_logits(network, images), labels).top1_integer

    training = TrainingRecipe(epochs=1, learning_rate=1e-3, warmup_epochs=1)
    two = train_aware(
        DeiTNetwork.of(checkpoint, "deit"),
        data.train,
        data.calibration,
        QatRecipe(weight_bits=2, training=training),
    )
    assert top1(two.network) > top1(two.before) + 5
    largest = [np.abs(op.weight).max() for op in two.network.ops if isinstance(op, Linear)]
    assert set(largest) == {1}


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (QatRecipe(weights="none"), "no quantiser 'none'"),
        (QatRecipe(prune="4:2"), "Pruning 4:2"),
        (QatRecipe(weight_bits=9), "9 bits was asked for"),
        (QatRecipe(activations="sawb"), "sawb is for weights"),
        (
            QatRecipe(weights="{broken}:Raises"),
            r"Raises fails on the weights of patch_embed \(ValueError: odd",
        ),
        (QatRecipe(weights="{broken}:Shape"), r"Shape fails on the weights of .* \(RuntimeError"),
        (
            QatRecipe(activations="{broken}:Takes"),
            r"Takes fails on the activations blocks.0.norm1 \(TypeError",
        ),
    ],
)
def test_recipes_that_cannot_be_are_told(
    checkpoint: Checkpoint, data: digits.Digits, tmp_path: Path, recipe: QatRecipe, words: str
):
    broken = tmp_path / "broken.py"
    broken.write_text(BROKEN)
    recipe = replace(
        recipe,
        weights=recipe.weights.format(broken=broken),
        activations=recipe.activations.format(broken=broken),
    )
    with pytest.raises(PointwiseError, match=words):
        train_aware(DeiTNetwork.of(checkpoint, "deit"), data.train, data.calibration, recipe)


def test_a_network_for_fewer_classes_is_told_before_training(
    data: digits.Digits, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("pointwise.model.qat.train.fit", lambda *_: pytest.fail("it trained first"))
    checkpoint = synthetic_checkpoint(replace(SMALL, classes=5))
    with pytest.raises(PointwiseError, match="1×8×8 and show 10 classes, but deit takes 1×8×8 and gives 5"):
        train_aware(
            DeiTNetwork.of(checkpoint, "deit"), data.train, data.calibration, QatRecipe(training=SHORT)
        )
