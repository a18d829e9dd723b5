"""The feed-forward network of one block as two integer layers."""

from dataclasses import dataclass

import numpy as np

from model.graph import Op, Quantisation
from model.graph.ops import Activation, Add, Linear

from .gelu import plan_gelu
from .norm import NormPlan
from .recipe import Recipe
from .records import Observations
from .trained import WeightGrid
from .weights import quantise_rows


@dataclass(frozen=True)
class Mlp:
    """The float weights of one feed-forward network, with γ and β of the LayerNorm in front folded into fc1.

    Attributes:
        name: ``blocks.i.mlp``.
        fc1, fc1_bias: (hidden, H) and (hidden,), of x̂. fc2, fc2_bias: (H, hidden) and (H,).
        fc1_grid, fc2_grid: of the weights. act_step: of GELU's result, where training has fixed it.
    """

    name: str
    fc1: np.ndarray
    fc1_bias: np.ndarray
    fc2: np.ndarray
    fc2_bias: np.ndarray
    fc1_grid: WeightGrid | None = None
    fc2_grid: WeightGrid | None = None
    act_step: float | None = None


def mlp_ops(
    mlp: Mlp,
    norm: NormPlan,
    seen: Observations,
    normalised: str,
    residual: str,
    residual_scale: float,
    recipe: Recipe,
) -> list[Op]:
    """Return fc1, GELU, fc2 and the residual addition.

    Args:
        norm: the LayerNorm in front. seen: calibration.
        normalised, residual: names of the LayerNorm's result and of the residual stream.
        residual_scale: real value of one step of it. recipe: how each layer is quantised.

    Raises:
        PointwiseError: a range is zero, or a factor or bias does not fit the hardware.
    """
    hidden, output = f"{mlp.name}.fc1", f"{mlp.name}.fc2"
    gelu = plan_gelu(f"{mlp.name}.act", seen, recipe[hidden], mlp.act_step)
    first = quantise_rows(
        mlp.fc1 * norm.scale,
        mlp.fc1_bias - gelu.index_centre,
        gelu.index_scale,
        hidden,
        norm.moments,
        how=recipe[hidden],
        grid=mlp.fc1_grid,
    )
    second = quantise_rows(
        mlp.fc2 * gelu.scale,
        mlp.fc2_bias,
        residual_scale,
        output,
        seen[f"{mlp.name}.act"].moments(gelu.scale),
        gelu.zero_point,
        recipe[output],
        mlp.fc2_grid,
    )
    stream, act = Quantisation(residual_scale), f"{mlp.name}.act"
    return [
        Linear(
            hidden,
            (normalised,),
            **vars(first),
            quantisation=Quantisation(gelu.index_scale, 0, gelu.index_centre),
        ),
        Activation(
            act, (hidden,), gelu.table, "uint8", quantisation=Quantisation(gelu.scale, gelu.zero_point)
        ),
        Linear(output, (act,), **vars(second), dtype="int16", quantisation=stream),
        Add(f"{mlp.name}.add", (residual, output), quantisation=stream),
    ]
