"""Attention of one block as integer layers: q, k, v, scores and context of each head, then the projection."""

import math
from dataclasses import dataclass

import numpy as np

from hw.contract.isa import Prologue, Stationary
from model.integer.layernorm import NormConstants
from model.integer.network import Layer
from model.integer.softmax import DIVIDE_FRACTION_BITS

from .attention_plan import AttentionPlan, plan_attention
from .norm import NormPlan
from .recipe import Recipe
from .records import Observations
from .scales import fixed_point
from .score_plan import ScorePlan, exp_table
from .trained import WeightGrid
from .weights import integer_bias, quantise_rows


@dataclass(frozen=True)
class Attention:
    """The float weights of one attention, with γ and β of the LayerNorm in front folded in.

    Attributes:
        name: ``blocks.i.attn``. heads: number of heads. tokens: T.
        weights, biases: (H, H) and (H,) of x̂ by "q", "k" and "v".
        proj, proj_bias: (H, H) and (H,).
        grids: of the weights by "q", "k", "v" and "proj".
        context_step: where training has fixed it.
    """

    name: str
    heads: int
    tokens: int
    weights: dict[str, np.ndarray]
    biases: dict[str, np.ndarray]
    proj: np.ndarray
    proj_bias: np.ndarray
    grids: dict[str, WeightGrid | None]
    context_step: float | None = None


def attention_layers(
    attention: Attention,
    norm: NormPlan,
    seen: Observations,
    residual: str,
    residual_scale: float,
    next_norm: NormConstants,
    recipe: Recipe,
) -> list[Layer]:
    """Return the layers of one attention, in order of execution.

    Args:
        norm: the LayerNorm in front. seen: calibration.
        residual: name of the residual stream. residual_scale: real value of one step of it.
        next_norm: constants of the LayerNorm that follows. recipe: how each layer is quantised.

    Raises:
        PointwiseError: a range is zero, or a factor or bias does not fit the hardware.
    """
    plan = plan_attention(
        attention.name, attention.heads, attention.proj, seen, recipe, attention.context_step
    )
    layers = []
    for head in range(attention.heads):
        layers += _head(attention, norm, plan, head, residual, recipe)
    name = f"{attention.name}.proj"
    rows = quantise_rows(
        attention.proj * plan.context_scale,
        attention.proj_bias + attention.proj @ plan.context_centre,
        residual_scale,
        name,
        plan.context_moments,
        how=recipe[name],
        grid=attention.grids["proj"],
    )
    contexts = tuple(f"{attention.name}.o.{head}" for head in range(attention.heads))
    layers.append(
        Layer(
            name,
            contexts,
            residual,
            **vars(rows),
            residual=True,
            add=True,
            norm=next_norm,
            scale=residual_scale,
        )
    )
    return layers


def _head(
    attention: Attention, norm: NormPlan, plan: AttentionPlan, head: int, residual: str, recipe: Recipe
) -> list[Layer]:
    """The five layers of one head."""
    scores = plan.scores[head]
    width = len(scores.q_scale)
    part = slice(head * width, (head + 1) * width)

    def linear(letter: str, centre: np.ndarray | float, scale: np.ndarray) -> Layer:
        name = f"{attention.name}.{letter}.{head}"
        weight = attention.weights[letter][part] * norm.scale
        bias = attention.biases[letter][part] - centre
        rows = quantise_rows(
            weight,
            bias,
            scale,
            name,
            norm.moments,
            how=recipe[f"{attention.name}.{letter}"],
            grid=attention.grids[letter] and attention.grids[letter][part],
        )
        return Layer(
            name,
            (residual,),
            name,
            **vars(rows),
            prologue=Prologue.NORMALISE,
            channel_shift=norm.shift,
            scale=float(scale.mean()),
            real_scale=scale,
            real_offset=np.broadcast_to(centre, scale.shape).astype(np.float64),
        )

    return [
        linear("q", 0.0, scores.q_scale),
        linear("k", scores.k_centre, scores.k_scale),
        linear("v", plan.v_centre[part], plan.v_scale[part]),
        _scores(attention, scores, head),
        _context(attention, plan, head, part),
    ]


def _scores(attention: Attention, plan: ScorePlan, head: int) -> Layer:
    """q · k, with 1/√d in the multiplier."""
    unit = float(plan.q_scale[0] * plan.k_scale[0]) / math.sqrt(len(plan.q_scale))
    name = f"{attention.name}.s.{head}"
    everywhere = np.ones(attention.tokens)
    mult, shift = fixed_point(everywhere * (unit / plan.score_scale), name)
    return Layer(
        name,
        (f"{attention.name}.q.{head}",),
        name,
        bias=integer_bias(everywhere * (-plan.score_centre / unit), name),
        mult=mult,
        shift=shift,
        stationary=Stationary.KEYS,
        stationary_input=f"{attention.name}.k.{head}",
        row_max=True,
        scale=plan.score_scale,
        real_scale=everywhere * plan.score_scale,
        real_offset=everywhere * plan.score_centre,
    )


def _context(attention: Attention, plan: AttentionPlan, head: int, part: slice) -> Layer:
    """Softmax of the scores times the values."""
    name = f"{attention.name}.o.{head}"
    unit = plan.v_scale[part] / (1 << DIVIDE_FRACTION_BITS)
    mult, shift = fixed_point(unit / plan.context_scale[part], name)
    return Layer(
        name,
        (f"{attention.name}.s.{head}",),
        name,
        bias=integer_bias((plan.v_centre - plan.context_centre)[part] / unit, name),
        mult=mult,
        shift=shift,
        stationary=Stationary.VALUES,
        stationary_input=f"{attention.name}.v.{head}",
        prologue=Prologue.EXPONENTIAL,
        exp_table=exp_table(plan.scores[head].score_scale, plan.scores[head].threshold),
        divide=True,
        scale=float(plan.context_scale[part].mean()),
        real_scale=plan.context_scale[part],
        real_offset=plan.context_centre[part],
    )
