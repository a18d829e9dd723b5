"""The products of one head in integers, and the softmax between them."""

import math
from dataclasses import replace

import numpy as np

from pointwise.model.graph import Quantisation
from pointwise.model.graph.ops import MatMul, Softmax
from pointwise.model.integer.softmax import DIVIDE_FRACTION_BITS

from .attention_plan import AttentionPlan
from .scales import fixed_point
from .score_plan import ScorePlan
from .weights import integer_bias


def scores_op(op: MatMul, plan: ScorePlan, tokens: int) -> MatMul:
    """q · k of all ``tokens``, with 1/√d in the multiplier."""
    unit = float(plan.q_scale[0] * plan.k_scale[0]) / math.sqrt(len(plan.q_scale))
    everywhere = np.ones(tokens)
    mult, shift = fixed_point(everywhere * (unit / plan.score_scale), op.name)
    return replace(
        op,
        bias=integer_bias(everywhere * (-plan.score_centre / unit), op.name),
        mult=mult,
        shift=shift,
        quantisation=Quantisation(plan.score_scale, 0, plan.score_centre),
    )


def softmax_op(op: Softmax, plan: ScorePlan) -> Softmax:
    """The table of exponentials below a row's maximum."""
    return replace(op, table=plan.table)


def context_op(op: MatMul, plan: AttentionPlan, part: slice) -> MatMul:
    """Softmax of the scores times the values; ``part``: the head's channels of the context."""
    unit = plan.v_scale[part] / (1 << DIVIDE_FRACTION_BITS)
    mult, shift = fixed_point(unit / plan.context_scale[part], op.name)
    return replace(
        op,
        bias=integer_bias((plan.v_centre - plan.context_centre)[part] / unit, op.name),
        mult=mult,
        shift=shift,
        divide=True,
        quantisation=Quantisation(plan.context_scale[part], 0, plan.context_centre[part]),
    )
