"""The report of a quantised network: what the page shows is what was measured, and nothing from elsewhere."""

import json
import re

import pytest
from PIL import Image

from pointwise.model.checkpoints import save_checkpoint
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.measure.layers import measure
from pointwise.model.measure.mixed import MixedNetwork
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise import LayerConfig, Recipe, save_network
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images
from pointwise.sim.cli import main
from pointwise.sim.reporting.quantisation import PAGE, REPORT, as_dict, page, write

CONFIG = DeiTConfig(image_size=4, patch=2, in_channels=3, dim=8, depth=1, heads=2, mlp_ratio=2, classes=3)


@pytest.fixture(scope="module")
def case():
    state = synthetic_checkpoint(CONFIG).state
    recipe = Recipe(LayerConfig(), (("blocks.0.mlp.*", {"weight_bits": 4}),))
    network = DeiTNetwork(CONFIG, state, "a < b").quantise(synthetic_images(CONFIG, 4), recipe=recipe)
    return network, MixedNetwork(network, state, CONFIG), synthetic_images(CONFIG, 2, seed=1).numpy()


@pytest.fixture(scope="module")
def report(case):
    network, mixed, images = case
    return as_dict(network, measure(mixed, images, 1), "pointwise report")


def test_the_page_names_every_layer_with_its_numbers(report):
    text = page(report)
    rows = re.findall(r"<tr><td class=\"text\">(.*?)</tr>", text, re.DOTALL)
    for layer in report["measure"]["layers"]:
        row = next(row for row in rows if row.startswith(f"{layer['name']}<") and "<svg" in row)
        assert f"{layer['sqnr_db']:.1f} dB" in row
        assert f"{layer['sensitivity_db']:.1f} dB" in row
        assert f"{layer['bytes']:,}" in row
        assert row.count("<rect") == sum(count > 0 for count in layer["counts"])
    costs = re.findall(r"<td>([\d.]+) %</td><td class=\"text\"><i class=\"meter\"", text)
    assert costs == sorted(costs, key=float, reverse=True) and len(costs) == len(report["measure"]["layers"])
    assert "a &lt; b in integers" in text
    assert "blocks.0.mlp.*" in text


def test_the_page_stands_alone(report):
    assert not re.search(r"(src|href)=|https?://|@import|<script", page(report))


def test_without_sensitivity_the_page_says_nothing_of_it(case):
    network, mixed, images = case
    text = page(as_dict(network, measure(mixed, images, 0), "pointwise report"))
    assert "What costs most" not in text and "alone, logits" not in text


def test_the_page_is_made_anew_from_the_json(report, tmp_path, capsys):
    paths = write(report, tmp_path)
    assert [path.name for path in paths] == [REPORT, PAGE]
    before = (tmp_path / PAGE).read_text()
    (tmp_path / PAGE).unlink()
    assert main(["report", str(tmp_path)]) == 0
    assert (tmp_path / PAGE).read_text() == before
    assert json.loads((tmp_path / REPORT).read_text()) == report


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda d: d.pop("measure"), "lacks measure"),
        (lambda d: d["measure"]["layers"][0].pop("counts"), r"lacks measure\.layers\[0\]\.counts"),
        (
            lambda d: d["measure"]["layers"][1].update(share=None),
            r"says measure\.layers\[0\]\.share, but",
        ),
        (lambda d: d.update(kind="methods"), "is of another kind"),
    ],
)
def test_a_damaged_file_is_told_in_a_sentence(report, tmp_path, capsys, damage, words):
    broken = json.loads(json.dumps(report))
    damage(broken)
    (tmp_path / REPORT).write_text(json.dumps(broken))
    assert main(["report", str(tmp_path)]) == 1
    assert re.search(rf"quantisation\.json {words}.*run pointwise report again", capsys.readouterr().err)
    assert not (tmp_path / PAGE).exists()


def test_a_report_runs_nothing_that_it_names(report, tmp_path):
    """A recipe may name a module of its user's, but a report is data that may come from anybody."""
    (tmp_path / "mine.py").write_text("raise SystemExit")
    named = json.loads(json.dumps(report))
    named["recipe"]["default"]["range"] = f"{tmp_path / 'mine.py'}:x"
    named["recipe"]["layers"]["*.attn.q"] = {"rounding": "no_such_module:x"}
    (tmp_path / REPORT).write_text(json.dumps(named))
    assert main(["report", str(tmp_path)]) == 0
    page = (tmp_path / PAGE).read_text()
    assert "mine.py:x" in page and "no_such_module:x" in page


def test_what_was_found_counts_and_its_classes_do_not(case, tmp_path, capsys):
    """Two images are there, in a folder for each of two classes, while the network has three."""
    network, _, images = case
    for index in range(len(images)):
        path = tmp_path / "images" / f"c{index}" / "a.png"
        path.parent.mkdir(parents=True)
        Image.new("RGB", (4, 4), (90 * index, 20, 30)).save(path)
    save_checkpoint(tmp_path / "net.safetensors", synthetic_checkpoint(CONFIG))
    save_network(tmp_path / "integers.safetensors", network)
    call = [
        "report",
        str(tmp_path / "integers.safetensors"),
        "--checkpoint",
        str(tmp_path / "net.safetensors"),
    ]
    call += ["--images", str(tmp_path / "images"), "--count", "8", "--out", str(tmp_path / "report")]
    assert main([*call, "--alone", "5"]) == 1
    assert "alone on 5 images, but there are 2" in capsys.readouterr().err
    assert main(call) == 0
    shown = capsys.readouterr().out
    assert "2 images were found, where 8 were asked for" in shown and "net, 2 images: logits" in shown
