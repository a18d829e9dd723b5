"""The mean of all tokens, as attention of one token."""

import numpy as np

from pointwise.model.graph.ops import Linear, MatMul, Softmax

from .attention import fixed_query
from .builder import Builder
from .products import chosen
from .settle import settle
from .symbol import Symbol

SMALL = 2.0**-12
"""Of queries whose products cancel: small, so that the factor of the products is one that the core has."""


def mean_of_tokens(build: Builder, symbol: Symbol) -> Symbol:
    """The mean of the tokens of (…, tokens, channels), (…, channels).

    It is attention whose scores are all equal, which the core does exactly as any other: the two channels of
    the query have opposite signs, and those of each key are the same number twice.
    """
    settle(build, symbol, "takes the mean of")
    rows = build.rows(symbol, "takes the mean of")
    source, layer = chosen(build, rows), build.attention()
    width = build.shapes[source][1]
    twice = np.zeros((2, width))
    twice[:, 0] = 1
    query = fixed_query(build, source, np.array([SMALL, -SMALL]), f"{layer}.q", 0)
    key = build.add(Linear("", (source,), twice, np.zeros(2)), f"{layer}.k.0", f"{layer}.k")
    each = np.zeros((len(rows.columns), width))
    each[np.arange(len(rows.columns)), rows.columns] = 1
    value = build.add(Linear("", (source,), each, np.zeros(len(each))), f"{layer}.v.0", f"{layer}.v")
    scores = MatMul("", (query, key), transposed=True, factor=2**-0.5)
    shares = Softmax("", (build.add(scores, f"{layer}.s.0", f"{layer}.s"),))
    softmax = build.add(shares, f"{layer}.softmax.0", f"{layer}.softmax")
    context = build.add(MatMul("", (softmax, value)), f"{layer}.o.0", f"{layer}.o")
    return Symbol.of(context, (*symbol.shape[:-2], symbol.shape[-1]))
