"""Vision Transformers of plain PyTorch: captured as they are, each habit in its integers."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import pointwise as pw
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph.ops import Activation, LayerNorm
from pointwise.model.models.made_up import made_up_images
from pointwise.model.models.vision import VISION, Vision, VisionTransformer, vision_transformer

SMALL = {"dim": 16, "depth": 2, "heads": 2, "image_size": 28}


def small(name: str) -> Vision:
    found = VISION[name]
    return replace(found, **SMALL, patch=7, results=min(found.results, 5))


EPSILON = {"clip_vit_b32": 1e-5}
"""Of LayerNorm, where it is not what vision transformers have."""


@pytest.mark.parametrize("name", VISION)
def test_what_a_network_of_that_name_has(name: str) -> None:
    vision = VISION[name]
    graph = vision_transformer(replace(vision, depth=1), name).graph
    tokens = (224 // vision.patch) ** 2 + 1
    assert graph.input.shape == (tokens, 3 * vision.patch**2)
    assert graph.values[graph.output].shape == (1, vision.results or vision.dim)
    norms = [op for op in graph.ops if isinstance(op, LayerNorm)]
    assert len(norms) == 3 + (name == "clip_vit_b32") and {op.epsilon for op in norms} == {
        EPSILON.get(name, 1e-6)
    }
    (function,) = {op.function for op in graph.ops if isinstance(op, Activation)}
    assert function == ("quick_gelu" if name == "clip_vit_b32" else "gelu")


@pytest.mark.parametrize("name", VISION)
def test_integers_are_near(name: str) -> None:
    source = vision_transformer(small(name), name)
    images = made_up_images(source, 8)
    found = pw.evaluate(pw.quantise(pw.calibrate(source, images[:6])), source, images[6:])
    assert found.sqnr_db > 20


def test_positions_and_scales_count() -> None:
    """A graph that had lost one of them would have the same results as another that had not."""
    vision = small("deit3_small")
    images = torch.randn(2, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    results = [
        vision_transformer(other, "net").results(images)
        for other in (vision, replace(vision, bare=False), replace(vision, scaled=False))
    ]
    assert all(np.abs(results[0] - other).max() > 0.01 for other in results[1:])
    scaled = [name for name in VISION if "blocks.0.scale1" in VisionTransformer(small(name)).state_dict()]
    assert scaled == ["deit3_small", "dinov2_small"]
    assert len(VisionTransformer(vision).pos_embed[0]) == 16
    assert len(VisionTransformer(small("dinov2_small")).pos_embed[0]) == 17


def test_sizes_that_do_not_divide() -> None:
    with pytest.raises(PointwiseError, match=r"net has 384 channels for 5 heads .*; choose such as divide"):
        vision_transformer(replace(VISION["deit3_small"], heads=5), "net")
