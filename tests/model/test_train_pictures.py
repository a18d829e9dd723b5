"""Training of convolutional networks: repeatable, told what is wrong, and what ships is the graph."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model import handwriting
from pointwise.model.compiler import compile_network
from pointwise.model.emulator import Emulator
from pointwise.model.graph import run
from pointwise.model.handwriting import SIDE, Handwriting, HandwritingImages
from pointwise.model.models.mobilenet import mobilenet_v1
from pointwise.model.models.recognise import convolutional
from pointwise.model.models.resnet import resnet
from pointwise.model.quantise import patchify
from pointwise.model.quantise.recipe import Recipe
from pointwise.model.train_pictures import TRAINABLE, train_pictures, trained_state

BUILD = {"resnet20": resnet, "mobilenet_v1_quarter": mobilenet_v1}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some images that are no digits, in place of the installed ones."""
    rng = np.random.default_rng(3)

    def images(count: int) -> HandwritingImages:
        pixels = rng.integers(0, 256, (count, 1, SIDE, SIDE)).astype(np.uint8)
        return HandwritingImages(pixels, rng.integers(0, 10, count))

    data = Handwriting(images(24), images(8), images(4))
    monkeypatch.setattr(handwriting, "load", lambda: data)


@pytest.mark.parametrize("name", TRAINABLE)
def test_training_is_repeatable_and_leaves_torch_as_it_was(few: None, name: str, tmp_path: Path) -> None:
    recipe = replace(TRAINABLE[name].recipe, epochs=1, warmup_epochs=0, batch=12)
    before = torch.get_rng_state()
    paths = [tmp_path / f"{index}.safetensors" for index in range(2)]
    notes = [train_pictures(name, path, recipe=recipe) for path in paths]
    assert paths[0].read_bytes() == paths[1].read_bytes() and notes[0] == notes[1]
    assert torch.equal(torch.get_rng_state(), before)
    assert notes[0]["recipe"]["epochs"] == 1
    found = convolutional(paths[0])
    assert found is not None and found.source.input_shape == (1, SIDE, SIDE) and found.guess is None
    other = train_pictures(name, None, recipe=replace(recipe, seed=5))
    assert other["recipe"]["seed"] == 5


@pytest.mark.parametrize("name", TRAINABLE)
def test_the_graph_of_what_ships_is_the_module(name: str) -> None:
    net, state = TRAINABLE[name].module().eval(), trained_state(name)
    missing, unexpected = net.load_state_dict(state, strict=False)
    assert not missing and all(key.endswith("num_batches_tracked") for key in unexpected)
    images = torch.randn(3, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        want = net(images).double().numpy()
    got = BUILD[name](state, (SIDE, SIDE), name).results(images)
    assert np.abs(got - want).max() < 1e-4 * np.abs(want).max()
    assert TRAINABLE[name].path(name).stat().st_size < 1 << 20


def test_what_cannot_be_trained_or_written_is_told_first(tmp_path: Path) -> None:
    with pytest.raises(PointwiseError, match="no recipe for resnet18; choose one of resnet20"):
        train_pictures("resnet18")
    for path in (tmp_path / "net.pth", tmp_path / "none" / "net.safetensors"):
        with pytest.raises(PointwiseError, match="cannot be written"):
            train_pictures("resnet20", path)


@pytest.mark.parametrize("name", TRAINABLE)
def test_what_ships_runs_on_a_core(name: str) -> None:
    source = BUILD[name](trained_state(name), (SIDE, SIDE), name)
    images = torch.randn(4, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
    network = source.convert(source.calibrate(images, Recipe()), Recipe())
    core = CoreConfig(rows=16, cols=16, max_tokens=1024, act_kib=128, res_kib=16)
    compiled, rows = compile_network(network, core), patchify(network, images[:1].numpy())[0]
    block = Emulator(compiled.image, core).run(compiled.pack_input(rows))
    assert (compiled.read_output(block)[network.output] == run(network, rows)[network.output]).all()
