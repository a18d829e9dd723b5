"""The ordinary DeiT against an independent forward pass written with matrices alone."""

import numpy as np
import pytest
import torch
from scipy.special import erf, softmax

from pointwise.model.deit import DeiT
from pointwise.model.networks import DeiTConfig
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images


def reference_logits(config: DeiTConfig, state: dict[str, np.ndarray], image: np.ndarray) -> list[np.ndarray]:
    """Return the logits of each head for one image [C, S, S], in float64, token by token."""

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        weight = state[f"{name}.weight"]
        return x @ weight.reshape(len(weight), -1).T + state[f"{name}.bias"]

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(-1, keepdims=True)
        unit = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + config.norm_eps)
        return unit * state[f"{name}.weight"] + state[f"{name}.bias"]

    p, d = config.patch, config.head_dim
    patches = [
        image[:, y : y + p, x : x + p].reshape(-1)
        for y in range(0, config.image_size, p)
        for x in range(0, config.image_size, p)
    ]
    prefix = [state[name][0] for name in ("cls_token", "dist_token") if name in state]
    x = np.concatenate([*prefix, linear(np.stack(patches), "patch_embed.proj")]) + state["pos_embed"][0]
    for index in range(config.depth):
        block = f"blocks.{index}"
        qkv = linear(norm(x, f"{block}.norm1"), f"{block}.attn.qkv")
        heads = []
        for head in range(config.heads):
            q, k, v = (
                qkv[:, part * config.dim + head * d : part * config.dim + (head + 1) * d] for part in range(3)
            )
            heads.append(softmax(q @ k.T / np.sqrt(d), axis=-1) @ v)
        x = x + linear(np.concatenate(heads, axis=1), f"{block}.attn.proj")
        hidden = linear(norm(x, f"{block}.norm2"), f"{block}.mlp.fc1")
        x = x + linear(hidden * (1 + erf(hidden / np.sqrt(2))) / 2, f"{block}.mlp.fc2")
    x = norm(x, "norm")
    return [linear(x[i], name) for i, name in enumerate(("head", "head_dist")[: config.prefix_tokens])]


@pytest.mark.parametrize(("distilled", "norm_eps"), [(False, 1e-6), (True, 1e-6), (True, 0.01)])
def test_logits_equal_an_independent_forward_pass(distilled: bool, norm_eps: float) -> None:
    config = DeiTConfig(12, 3, 2, 24, 3, 4, 1.5, 7, distilled, norm_eps)
    state = synthetic_checkpoint(config, seed=5).state
    images = synthetic_images(config, 2).double()
    net = DeiT.from_state(config, state).double()
    arrays = {key: value.numpy().astype(np.float64) for key, value in state.items()}
    expected = [reference_logits(config, arrays, image) for image in images.numpy()]
    with torch.no_grad():
        heads, logits = net.forward_heads(images), net(images)
    for index, head in enumerate(heads):
        assert np.allclose(head, [e[index] for e in expected], rtol=0, atol=1e-10)
    assert np.allclose(logits, [np.mean(e, axis=0) for e in expected], rtol=0, atol=1e-10)
