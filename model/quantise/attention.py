"""Attention of one block in integers: q, k, v, scores and context of each head, then the projection."""

import math
from dataclasses import dataclass

import numpy as np

from model.graph import Op, Quantisation
from model.graph.ops import Add, Concat, Linear, MatMul, Softmax
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


def attention_ops(
    attention: Attention,
    norm: NormPlan,
    seen: Observations,
    normalised: str,
    residual: str,
    residual_scale: float,
    recipe: Recipe,
) -> list[Op]:
    """Return the operators of one attention, in order, the residual addition last.

    Args:
        norm: the LayerNorm in front. seen: calibration.
        normalised, residual: names of the LayerNorm's result and of the residual stream.
        residual_scale: real value of one step of it. recipe: how each layer is quantised.

    Raises:
        PointwiseError: a range is zero, or a factor or bias does not fit the hardware.
    """
    plan = plan_attention(
        attention.name, attention.heads, attention.proj, seen, recipe, attention.context_step
    )
    ops: list[Op] = []
    for head in range(attention.heads):
        ops += _head(attention, norm, plan, head, normalised, recipe)
    name, contexts = f"{attention.name}.proj", f"{attention.name}.contexts"
    rows = quantise_rows(
        attention.proj * plan.context_scale,
        attention.proj_bias + attention.proj @ plan.context_centre,
        residual_scale,
        name,
        plan.context_moments,
        how=recipe[name],
        grid=attention.grids["proj"],
    )
    heads = tuple(f"{attention.name}.o.{head}" for head in range(attention.heads))
    stream = Quantisation(residual_scale)
    return [
        *ops,
        Concat(contexts, heads, quantisation=Quantisation(plan.context_scale, 0, plan.context_centre)),
        Linear(name, (contexts,), **vars(rows), dtype="int16", quantisation=stream),
        Add(f"{attention.name}.add", (residual, name), quantisation=stream),
    ]


def _head(
    attention: Attention, norm: NormPlan, plan: AttentionPlan, head: int, normalised: str, recipe: Recipe
) -> list[Op]:
    """The operators of one head."""
    scores = plan.scores[head]
    width = len(scores.q_scale)
    part = slice(head * width, (head + 1) * width)

    def linear(letter: str, centre: np.ndarray | float, scale: np.ndarray) -> Linear:
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
        offset = np.broadcast_to(centre, scale.shape).astype(np.float64)
        return Linear(
            name,
            (normalised,),
            **vars(rows),
            layer=f"{attention.name}.{letter}",
            quantisation=Quantisation(scale, 0, offset),
        )

    exponentials = exp_table(scores.score_scale, scores.threshold)
    softmax = f"{attention.name}.softmax"
    score_name = f"{attention.name}.s.{head}"
    return [
        linear("q", 0.0, scores.q_scale),
        linear("k", scores.k_centre, scores.k_scale),
        linear("v", plan.v_centre[part], plan.v_scale[part]),
        _scores(attention, scores, head),
        Softmax(softmax + f".{head}", (score_name,), exponentials, layer=softmax),
        _context(attention, plan, head, part),
    ]


def _scores(attention: Attention, plan: ScorePlan, head: int) -> MatMul:
    """q · k, with 1/√d in the multiplier."""
    unit = float(plan.q_scale[0] * plan.k_scale[0]) / math.sqrt(len(plan.q_scale))
    name = f"{attention.name}.s.{head}"
    everywhere = np.ones(attention.tokens)
    mult, shift = fixed_point(everywhere * (unit / plan.score_scale), name)
    return MatMul(
        name,
        (f"{attention.name}.q.{head}", f"{attention.name}.k.{head}"),
        transposed=True,
        bias=integer_bias(everywhere * (-plan.score_centre / unit), name),
        mult=mult,
        shift=shift,
        layer=f"{attention.name}.s",
        quantisation=Quantisation(plan.score_scale, 0, plan.score_centre),
    )


def _context(attention: Attention, plan: AttentionPlan, head: int, part: slice) -> MatMul:
    """Softmax of the scores times the values."""
    name = f"{attention.name}.o.{head}"
    unit = plan.v_scale[part] / (1 << DIVIDE_FRACTION_BITS)
    mult, shift = fixed_point(unit / plan.context_scale[part], name)
    return MatMul(
        name,
        (f"{attention.name}.softmax.{head}", f"{attention.name}.v.{head}"),
        bias=integer_bias((plan.v_centre - plan.context_centre)[part] / unit, name),
        mult=mult,
        shift=shift,
        divide=True,
        layer=f"{attention.name}.o",
        quantisation=Quantisation(plan.context_scale[part], 0, plan.context_centre[part]),
    )
