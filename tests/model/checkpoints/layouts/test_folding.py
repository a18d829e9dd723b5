"""What other weights carry: the network computes what it did with LayerScale, or without class position."""

from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from pointwise.model.checkpoints import load_checkpoint
from pointwise.model.deit import DeiT
from pointwise.model.networks import DeiTConfig
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images

CONFIG = DeiTConfig(12, 4, 3, 12, 2, 2, 2, 5)
DISTILLED = DeiTConfig(12, 4, 3, 12, 2, 2, 2, 5, distilled=True)
NAMES = {
    "timm": ("blocks.{}.ls1.gamma", "blocks.{}.ls2.gamma", ".safetensors"),
    "authors": ("blocks.{}.gamma_1", "blocks.{}.gamma_2", ".pth"),
}


def saved(path: Path, state: dict[str, Tensor]) -> Path:
    torch.save(state, path) if path.suffix == ".pth" else safetensors.torch.save_file(state, path)
    return path


def logits(config: DeiTConfig, state: dict[str, Tensor], scales: dict[str, Tensor]) -> Tensor:
    """Of the network, with the results of some of its modules scaled."""
    net = DeiT.from_state(config, state)
    for name, gamma in scales.items():
        module: nn.Module = net.get_submodule(name)
        module.register_forward_hook(lambda _module, _inputs, output, gamma=gamma: output * gamma)
    with torch.inference_mode():
        return net(synthetic_images(config, 3, seed=1))


@pytest.mark.parametrize("layout", NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_layer_scale_is_in_the_weights(tmp_path: Path, layout: str, dtype: torch.dtype) -> None:
    state = dict(synthetic_checkpoint(CONFIG).state)
    attention, forward, suffix = NAMES[layout]
    scales, given = {}, {key: tensor.to(dtype) for key, tensor in state.items()}
    generator = torch.Generator().manual_seed(0)
    for block in range(CONFIG.depth):
        for name, layer in ((attention, "attn.proj"), (forward, "mlp.fc2")):
            gamma = torch.randn(CONFIG.dim, generator=generator).to(dtype)
            given[name.format(block)] = gamma
            scales[f"blocks.{block}.{layer}"] = gamma.float()
    found = load_checkpoint(saved(tmp_path / f"net{suffix}", given), heads=2)
    assert found.config == CONFIG
    exact = logits(CONFIG, {key: tensor.to(dtype).float() for key, tensor in state.items()}, scales)
    torch.testing.assert_close(logits(CONFIG, found.state, {}), exact, rtol=0, atol=1e-4)


@pytest.mark.parametrize("config", [CONFIG, DISTILLED], ids=["plain", "distilled"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_class_tokens_without_position_have_zeros(tmp_path: Path, config: DeiTConfig, suffix: str) -> None:
    state, prefix = dict(synthetic_checkpoint(config).state), config.prefix_tokens
    state["pos_embed"] = state["pos_embed"][:, prefix:].clone()
    found = load_checkpoint(saved(tmp_path / f"net{suffix}", state), heads=2)
    assert found.config == config
    assert not found.state["pos_embed"][:, :prefix].any()
    assert torch.equal(found.state["pos_embed"][:, prefix:], state["pos_embed"])


def test_a_position_for_every_token_stays_as_it_is(tmp_path: Path) -> None:
    state = synthetic_checkpoint(CONFIG).state
    found = load_checkpoint(saved(tmp_path / "net.pth", dict(state)), heads=2)
    assert torch.equal(found.state["pos_embed"], state["pos_embed"])
