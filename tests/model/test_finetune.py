"""Fine-tuning: the last layer learns as torch's own tools would teach it, and nothing else changes."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from torch import nn

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model import digits
from pointwise.model.checkpoints import MICRO_DIGITS, load_checkpoint, save_checkpoint
from pointwise.model.deit import DeiT
from pointwise.model.features import Features
from pointwise.model.finetune import FinetuneRecipe, finetune, train_heads
from pointwise.model.images.find import find_images
from pointwise.model.images.prepare import prepare
from pointwise.model.images.preprocessing import plain
from pointwise.model.networks import DeiTConfig
from pointwise.model.parallel import Local
from pointwise.model.synthetic import synthetic_checkpoint

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def draw(folder: Path, images: digits.DigitImages, count: int) -> None:
    for index in range(count):
        path = folder / NAMES[images.labels[index]] / f"{index:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.round(images.pixels[index, 0] * (255 / 16)).astype(np.uint8)
        Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Digits as images: 200 to train on, 100 others to measure on."""
    root, data = tmp_path_factory.mktemp("digits"), digits.load()
    draw(root / "train", data.train, 200)
    draw(root / "validation", data.held_out, 100)
    (root / "train" / "zero" / "broken.png").write_bytes(b"broken")
    return root / "train", root / "validation"


@pytest.mark.slow
def test_new_classes_are_learnt_and_the_backbone_stays(folders: tuple[Path, Path]) -> None:
    before = load_checkpoint(MICRO_DIGITS)
    recipe = FinetuneRecipe(epochs=30, learning_rate=0.01)
    training = []
    after, unreadable = finetune(
        MICRO_DIGITS,
        *map(find_images, folders),
        recipe=recipe,
        training=lambda *call: training.append(call),
    )
    assert after.class_names == tuple(sorted(NAMES))
    assert after.notes["validation_accuracy"] >= 95
    assert unreadable == ("zero/broken.png",)
    assert training[-1] == (30, 30)
    changed = {key for key in before.state if not torch.equal(before.state[key], after.state[key])}
    assert changed == {"head.weight", "head.bias"}
    again, _ = finetune(MICRO_DIGITS, *map(find_images, folders), recipe=recipe, executor=Local(2))
    assert all(torch.equal(after.state[key], again.state[key]) for key in after.state)
    other, _ = finetune(MICRO_DIGITS, find_images(folders[0]), recipe=dataclasses.replace(recipe, seed=1))
    assert not torch.equal(after.state["head.weight"], other.state["head.weight"])


def test_accuracy_is_that_of_the_network_that_is_written(folders: tuple[Path, Path], tmp_path: Path) -> None:
    after, _ = finetune(MICRO_DIGITS, *map(find_images, folders), recipe=FinetuneRecipe(epochs=2))
    save_checkpoint(tmp_path / "tuned.safetensors", after)
    loaded = load_checkpoint(tmp_path / "tuned.safetensors")
    images = find_images(folders[1])
    labels = images.labels(10, loaded.class_names)
    net = DeiT.from_state(loaded.config, loaded.state)
    pixels = torch.from_numpy(np.stack([prepare(file.path, loaded.prepared) for file in images.files]))
    with torch.no_grad():
        share = 100 * float((net(pixels).argmax(1).numpy() == labels).mean())
    assert share == pytest.approx(after.notes["validation_accuracy"])
    assert [NAMES[digit] for digit in digits.load().held_out.labels[:1]] == [
        loaded.class_names[labels[[file.name.endswith("000.png") for file in images.files].index(True)]]
    ]


def test_both_heads_of_a_distilled_network_are_new(tmp_path: Path) -> None:
    config = DeiTConfig(8, 4, 1, 8, 1, 2, 2, 5, distilled=True)
    checkpoint = synthetic_checkpoint(config)
    save_checkpoint(tmp_path / "net.safetensors", checkpoint)
    rng = np.random.default_rng(0)
    lines = []
    for index in range(12):
        values = rng.integers(100 * (index % 2), 100 + 100 * (index % 2), (8, 8), np.uint8)
        Image.fromarray(values).save(tmp_path / f"{index}.png")
        lines.append(f"{index}.png {2 * (index % 2)}\n")
    (tmp_path / "list.txt").write_text("".join(lines))
    after, _ = finetune(
        tmp_path / "net.safetensors",
        find_images(tmp_path / "list.txt"),
        recipe=FinetuneRecipe(epochs=40, learning_rate=0.05, batch=4),
    )
    assert after.config == dataclasses.replace(config, classes=3), "classes 0 to 2"
    assert (after.class_names, after.notes["train_accuracy"]) == (None, 100)
    for kind in ("weight", "bias"):
        assert not torch.equal(after.state[f"head.{kind}"], after.state[f"head_dist.{kind}"])
    changed = {key for key, value in checkpoint.state.items() if not torch.equal(value, after.state[key])}
    assert changed == {f"{head}.{kind}" for head in ("head", "head_dist") for kind in ("weight", "bias")}


@pytest.mark.parametrize("kind", ["ViT", "DeiT"])
def test_backbone_of_hugging_face_needs_no_last_layer(
    folders: tuple[Path, Path], tmp_path: Path, kind: str
) -> None:
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = getattr(transformers, f"{kind}Config")(**sizes, image_size=8, patch_size=4, num_channels=1)
    net = getattr(transformers, f"{kind}Model")(config).eval()
    net.save_pretrained(tmp_path)
    with pytest.raises(PointwiseError, match=r"lacks head\.weight"):
        load_checkpoint(tmp_path)
    after, _ = finetune(
        tmp_path, find_images(folders[1]), recipe=FinetuneRecipe(epochs=1), preprocessing=plain(8, 1)
    )
    assert after.config.classes == 10
    assert after.state["head.weight"].shape == (10, 16)
    images = torch.randn(2, 1, 8, 8)
    with torch.no_grad():
        features = DeiT.from_state(after.config, after.state).features(images)
        expected = net(images).last_hidden_state[:, : after.config.prefix_tokens]
    assert torch.allclose(features, expected, rtol=0, atol=1e-5)


def test_training_is_that_of_torchs_own_tools() -> None:
    """A linear layer, AdamW, LinearLR and CosineAnnealingLR, put together as the recipe is worded."""
    recipe = FinetuneRecipe(epochs=5, batch=4, learning_rate=0.02, warmup_epochs=2)
    features = Features(torch.randn(10, 1, 6), torch.arange(10) % 3, ())
    torch.manual_seed(7)
    weight, bias = train_heads(features, 3, recipe)

    torch.manual_seed(7)
    layer = nn.Linear(6, 3, device="meta").to_empty(device="cpu")
    nn.init.trunc_normal_(layer.weight, std=0.02)
    nn.init.zeros_(layer.bias)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.02, betas=(0.9, 0.999), weight_decay=0.05)
    steps = 3  # of an epoch: 4 + 4 + 2 images
    schedule = torch.optim.lr_scheduler.SequentialLR(
        optimizer,
        [
            torch.optim.lr_scheduler.LinearLR(optimizer, 0.001, 1.0, 2 * steps),
            torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 3 * steps, 0.01 * 0.02),
        ],
        [2 * steps],
    )
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)
    for _ in range(5):
        for chosen in torch.randperm(10).split(4):
            optimizer.zero_grad()
            loss(layer(features.values[chosen, 0]), features.labels[chosen]).backward()
            optimizer.step()
            schedule.step()
    assert torch.allclose(weight[0], layer.weight, rtol=0, atol=1e-6)
    assert torch.allclose(bias[0], layer.bias, rtol=0, atol=1e-6)


def test_recipe_is_the_papers() -> None:
    recipe = FinetuneRecipe()
    assert (recipe.epochs, recipe.label_smoothing, recipe.weight_decay) == (100, 0.1, 0.05)
    peak = 5e-4 * 16 / 64
    optimizer = torch.optim.AdamW([nn.Parameter(torch.zeros(1))], lr=recipe.learning_rate)
    schedule = recipe.schedule(optimizer, 10)
    rates = []
    for _ in range(1001):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates[0] == pytest.approx(0.001 * peak)
    assert rates[30] == pytest.approx(peak)
    assert rates[30 + 970 // 2] == pytest.approx(peak * (1 + 0.01) / 2)
    assert rates[1000] == pytest.approx(0.01 * peak)
    with pytest.raises(PointwiseError, match="0 epochs in batches of 16"):
        FinetuneRecipe(epochs=0)
    for rate in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(PointwiseError, match=f"learning rate {rate}, but a number above 0"):
            FinetuneRecipe(learning_rate=rate)


def test_images_that_teach_nothing_are_told(folders: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(PointwiseError, match="show no classes, but at least two"):
        finetune(MICRO_DIGITS, find_images(folders[0] / "one"))
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "list.txt").write_text("a.png only")
    with pytest.raises(PointwiseError, match="show 1 class, but at least two"):
        finetune(MICRO_DIGITS, find_images(tmp_path / "list.txt"))
    with pytest.raises(PointwiseError, match=r"Nobody says what the images of .*one show"):
        finetune(MICRO_DIGITS, find_images(folders[0]), find_images(folders[1] / "one"))
    (tmp_path / "list.txt").write_text("a.png 4000000000\nb.png 0")
    with pytest.raises(PointwiseError, match=r"gives the class 4000000000, but .* at most 65535"):
        finetune(MICRO_DIGITS, find_images(tmp_path / "list.txt"))
    (tmp_path / "list.txt").write_text("b.png cat\nc.png dog")
    with pytest.raises(PointwiseError, match="None of the 2 images"):
        finetune(MICRO_DIGITS, find_images(tmp_path / "list.txt"))
