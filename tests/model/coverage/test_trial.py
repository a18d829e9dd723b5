"""A dozen architectures of timm and torchvision go the whole way; what goes wrong is told from a refusal."""

import pytest
import torch
from torch import nn

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.coverage import STEPS, Entry, catalogue, trial, tried
from pointwise.model.coverage.catalogue import BUILDERS, GROUPS
from pointwise.model.coverage.lively import enliven
from tests.slow import few

ROWS = [
    "timm/deit_tiny_patch16_224",
    "timm/deit_tiny_distilled_patch16_224",
    "timm/deit3_small_patch16_224",
    "timm/vit_small_patch32_224",
    "timm/vit_small_patch14_reg4_dinov2",
    "timm/vit_xsmall_patch16_clip_224",
    "timm/vit_pwee_patch16_reg1_gap_256",
    "timm/test_vit3",
    "timm/vit_medium_patch32_clip_224",
    "timm/vit_small_patch16_36x1_224",
    "timm/test_vit",
    "timm/test_vit2",
    "timm/mobilenetv2_100",
    "torchvision/resnet18",
    "torchvision/mobilenet_v2",
    "torchvision/squeezenet1_1",
]
"""Small ones of most kinds: distilled, LayerScale, registers, a norm in front, means, convolutions."""
try:
    ENTRIES = {entry.key: entry for entry in catalogue()}
except PointwiseError as missing:
    pytest.skip(str(missing), allow_module_level=True)


@pytest.mark.parametrize("key", few(ROWS, ("timm/test_vit3", "torchvision/resnet18")))
def test_it_goes_the_whole_way(key: str) -> None:
    row = tried(ENTRIES[key])
    assert (row.passed, row.refused, row.fault) == (len(STEPS), None, False)
    assert row.difference is not None and row.difference < 1e-4 and row.parameters > 100_000


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("timm/test_vit4", "RMSNorm takes off no mean"),
        ("timm/gmlp_s16_224", "normalises some of the channels"),
        pytest.param("torchvision/swin_t", "shifted_window_attention", marks=pytest.mark.slow),
    ],
)
def test_what_is_not_known_is_refused_by_name(key: str, words: str) -> None:
    row = tried(ENTRIES[key])
    assert row.passed == 0 and not row.fault and row.difference is None
    assert words in str(row.refused)


def test_names_choose() -> None:
    assert [entry.key for entry in catalogue(["deit_tiny_pa"])] == ["timm/deit_tiny_patch16_224"]
    assert {entry.group for entry in ENTRIES.values()} == set(GROUPS)
    assert len(ENTRIES) == len(catalogue()) > 200
    with pytest.raises(PointwiseError, match="has 'nothing_like_it' in its name"):
        catalogue(["nothing_like_it"])


class Net(nn.Module):
    """Two layers behind each other; what is seen of them from outside may be something else."""

    def __init__(self, wrong: str = "") -> None:
        super().__init__()
        self.patches, self.head, self.wrong = nn.Conv2d(3, 6, 4, 4), nn.Linear(6, 5), wrong

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self.wrong == "error":
            raise RuntimeError("out of ideas")
        made = self.head(self.patches(images).flatten(2).mean(2))
        # Three images come together where the library computes, one alone where it is captured.
        return made * 1.001 if self.wrong == "logits" and len(images) > 1 else made


def of(module: nn.Module, monkeypatch: pytest.MonkeyPatch) -> Entry:
    monkeypatch.setitem(BUILDERS, "timm", lambda timm, name, cut: (module, (3, 8, 8)))
    return Entry("timm", "net", GROUPS[0], cut=False)


def test_other_logits_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tried(of(Net(), monkeypatch)).passed == len(STEPS)
    row = tried(of(Net("logits"), monkeypatch))
    assert row.passed == 1 and row.fault and "the logits differ by 1.0e-03" in str(row.refused)
    row = tried(of(Net("error"), monkeypatch))
    assert row.passed == 0 and not row.fault and "(RuntimeError: out of ideas)" in str(row.refused)


def test_rounding_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """What float32 makes of a network is told from another network in float64."""
    monkeypatch.setattr(trial, "CLOSE", 0.0)
    row = tried(of(Net(), monkeypatch))
    assert row.passed == len(STEPS) and row.difference is not None and 0 < row.difference < 1e-6
    assert tried(of(Net("logits"), monkeypatch)).fault


def test_other_integers_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(graph, rows, only):
        found = run(graph, rows, only)
        return {name: values + (name == graph.output) for name, values in found.items()}

    run = trial.run
    monkeypatch.setattr(trial, "run", other)
    row = tried(of(Net(), monkeypatch))
    assert row.passed == 4 and row.fault and row.refused == "5 of 5 results differ"


def test_nothing_stays_still() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout(0.9), nn.Conv2d(4, 2, 1))
    scale = nn.Parameter(torch.full((2,), 1e-5))
    module.register_parameter("scale", scale)
    nn.init.zeros_(module[0].bias)
    images = torch.randn(5, 3, 6, 6)
    enliven(module, images, 0)
    assert not any(one.training for one in module.modules())
    assert all(parameter.std() > 0.02 for parameter in module.parameters() if parameter.numel() > 1)
    assert float(scale.detach().min()) > 0.5
    made = module[1](module[0](images))
    centred = (made - module[1].bias[:, None, None]) / module[1].weight[:, None, None]
    assert centred.mean((0, 2, 3)).abs().max() < 1e-4
    assert (centred.std((0, 2, 3)) - 1).abs().max() < 0.01
