"""The feed-forward network of one block as two integer layers."""

from dataclasses import dataclass

import numpy as np

from hw.contract.isa import Prologue
from model.integer.layernorm import NormConstants
from model.integer.network import Layer

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


def mlp_layers(
    mlp: Mlp,
    norm: NormPlan,
    seen: Observations,
    residual: str,
    residual_scale: float,
    next_norm: NormConstants,
    recipe: Recipe,
) -> list[Layer]:
    """Return fc1 with GELU and fc2 with the residual addition.

    Args:
        norm: the LayerNorm in front. seen: calibration.
        residual: name of the residual stream. residual_scale: real value of one step of it.
        next_norm: constants of the LayerNorm that follows. recipe: how each layer is quantised.

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
    return [
        Layer(
            hidden,
            (residual,),
            hidden,
            **vars(first),
            prologue=Prologue.NORMALISE,
            channel_shift=norm.shift,
            table=gelu.table,
            out_unsigned=True,
            scale=gelu.scale,
            zero_point=gelu.zero_point,
        ),
        Layer(
            output,
            (hidden,),
            residual,
            **vars(second),
            in_unsigned=True,
            residual=True,
            add=True,
            norm=next_norm,
            scale=residual_scale,
        ),
    ]
