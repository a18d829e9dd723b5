"""The products of two tensors that attention takes, head by head, and the softmax between them."""

from dataclasses import replace
from math import prod

import numpy as np
import torch
from torch import Tensor

from pointwise.model.graph.ops import Linear, MatMul, Softmax

from .builder import Builder, Part, vector, weights
from .expression import IDENTITY, Affine, Call
from .products import linear
from .rows import rows_of
from .settle import settle
from .symbol import Symbol


def product(build: Builder, left: Symbol | Tensor, right: Symbol | Tensor) -> Symbol:
    """left · right: of a tensor with weights, or of two tensors."""
    if isinstance(right, Tensor):
        assert isinstance(left, Symbol)
        if right.dim() != 2:
            raise build.refused(
                f"multiplies with a constant of the shape {tuple(right.shape)}, but one of two dimensions "
                "was expected"
            )
        return linear(build, left, right.T, None, build.label_of(right, "matmul"))
    if min(len(left.shape), len(right.shape)) < 2:
        raise build.refused("multiplies a vector; that is not known")
    return matmul(build, left, right)


def einsum(build: Builder, equation: str, left: Symbol, right: Symbol) -> Symbol:
    """The product of two tensors by the letters of their dimensions, such as bihd,bjhd->bhij."""
    sources, _, wanted = equation.replace(" ", "").partition("->")
    one, _, other = sources.partition(",")
    both = [letter for letter in one if letter in other]
    heads, summed = ([x for x in both if (x in wanted) == kept] for kept in (True, False))
    alone = [[x for x in one if x not in other], [x for x in other if x not in one]]
    plain = all(sorted(letters) == sorted(set(letters)) for letters in (one, other, wanted))
    if not plain or not wanted or "." in equation or not set(alone[0] + alone[1]) <= set(wanted):
        raise build.refused(f"is the product {equation}, which is not known")
    sizes = dict(zip(one, left.shape, strict=True)) | dict(zip(other, right.shape, strict=True))

    def turned(symbol: Symbol, letters: str, *groups: list[str]) -> Symbol:
        order = [letters.index(x) for group in (heads, *groups) for x in group]
        shape = [sizes[x] for x in heads] + [prod(sizes[x] for x in group) for group in groups]
        return symbol.moved(lambda places: places.permute(order).reshape(shape))

    made = matmul(build, turned(left, one, alone[0], summed), turned(right, other, summed, alone[1]))
    letters = [*heads, *alone[0], *alone[1]]
    order = [letters.index(x) for x in wanted]
    return made.moved(lambda places: places.reshape([sizes[x] for x in letters]).permute(order))


def matmul(build: Builder, left: Symbol | Tensor, right: Symbol) -> Symbol:
    """The products (…, M, K) · (…, K, N) of two tensors, one for each head; constants may be queries."""
    if isinstance(left, Tensor):
        return _fixed_scores(build, left, right)
    shape = torch.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    (m, k), n = left.shape[-2:], right.shape[-1]
    for symbol in (left, right):
        if isinstance(symbol.expression, Call):
            settle(build, symbol, "multiplies", heads=True)
    lefts = left.places.expand(*shape, m, k).reshape(-1, m, k)
    rights = right.places.expand(*shape, k, n).reshape(-1, k, n)
    of_softmax = isinstance(build.ops.get(left.values[0]), Softmax)
    layer = build.layer(left.values[0]).removesuffix(".softmax") if of_softmax else build.attention()
    parts = ("softmax", "v", "o") if of_softmax else ("q", "k", "s")
    values = []
    for head in range(len(lefts)):
        labels = [f"{layer}.{part}" for part in parts]
        one = _operand(build, Symbol(left.values, lefts[head], left.expression), labels[0], head)
        other = Symbol(right.values, rights[head], right.expression)
        turned = other.moved(lambda places: places.T)
        transposed = not of_softmax and rows_of(turned, build.shapes) is not None
        two = _operand(build, turned if transposed else other, labels[1], head)
        made = MatMul("", (one, two), transposed=transposed)
        values.append(build.add(made, f"{labels[2]}.{head}", labels[2]))
    return Symbol(tuple(values), torch.arange(len(values) * m * n).reshape(*shape, m, n))


def _fixed_scores(build: Builder, queries: Tensor, keys: Symbol) -> Symbol:
    """The scores of queries that are constants, such as those of attention pooling."""
    shape = torch.broadcast_shapes(queries.shape[:-2], keys.shape[:-2])
    if queries.shape[-2] != 1:
        raise build.refused(
            f"multiplies a constant of {queries.shape[-2]} rows with a tensor, which mixes tokens; of "
            "learned queries one alone is known"
        )
    settle(build, keys, "multiplies", heads=True)
    k, n = keys.shape[-2:]
    layer, values = build.attention(), []
    rows = queries.expand(*shape, 1, k).reshape(-1, k).double().numpy()
    for head, places in enumerate(keys.places.expand(*shape, k, n).reshape(-1, k, n)):
        key = _operand(build, Symbol(keys.values, places.T), f"{layer}.k", head)
        if not isinstance(build.ops[key], Linear):
            raise build.refused("multiplies a constant with what is no linear layer; that is not known")
        query = fixed_query(build, build.ops[key].inputs[0], rows[head], f"{layer}.q", head)
        values.append(build.add(MatMul("", (query, key), transposed=True), f"{layer}.s.{head}", f"{layer}.s"))
    return Symbol(tuple(values), torch.arange(len(values) * n).reshape(*shape, 1, n))


def fixed_query(build: Builder, source: str, values: np.ndarray, layer: str, head: int) -> str:
    """A query that does not depend on the input: a linear layer of any token whose weights are zeros.

    Args:
        source: what the keys are made of. values: (d,). layer, head: after which it is called.
    """
    tokens, width = build.shapes[source]
    if tokens > 1:
        source = build.tokens_of(source, 0, 1)
    made = Linear("", (source,), np.zeros((len(values), width)), values)
    return build.add(made, f"{layer}.{head}", layer)


def _operand(build: Builder, symbol: Symbol, layer: str, head: int) -> str:
    """One head's part of a tensor as a value of its own: some rows of the linear layer that makes it."""
    rows = rows_of(symbol, build.shapes)
    name = rows.values[0] if rows is not None and len(rows.values) == 1 else None
    if rows is None or name is None or not np.array_equal(rows.tokens, np.arange(build.shapes[name][0])):
        raise build.refused(
            "multiplies two tensors of which one is not a row of channels for each token, as queries, keys "
            "and values are; that is not known"
        )
    op, expression = build.ops[name], symbol.expression
    assert isinstance(expression, Affine)
    factor, offset = (
        vector(part, symbol.places, len(rows.columns)) for part in (expression.factor, expression.offset)
    )
    if isinstance(op, Linear) and factor is not None and offset is not None:
        weight, bias = weights(op)
        weight = weight[rows.columns] * factor[:, None]
        bias = bias[rows.columns] * factor + offset
        made = build.add(replace(op, weight=weight, bias=bias), f"{layer}.{head}", layer)
        plain = not offset.any() and (factor == factor[0]).all()
        build.parts.append(Part(name, made, rows.columns, float(factor[0]) if plain else None))
        return made
    if not rows.whole or not expression.trivial:
        raise build.refused(
            f"multiplies a part of what {type(op).__name__} {build.label(name)} makes, or what became of it; "
            "queries, keys and values come from linear layers"
        )
    return name


def softmax(build: Builder, symbol: Symbol, axis: int) -> Symbol:
    """Shares of the last dimension."""
    if axis % symbol.places.dim() != symbol.places.dim() - 1:
        raise build.refused("takes the softmax of another dimension than the last; that is not known")
    _without_offset(build, symbol)
    settle(build, symbol, "takes the softmax of", heads=True)
    names = []
    for name in symbol.values:
        layer = build.layer(name)
        layer = f"{layer.removesuffix('.s')}.softmax"
        head = build.label(name).rpartition(".")[2]
        label = f"{layer}.{head}" if head.isdecimal() else layer
        names.append(build.add(Softmax("", (name,)), label, layer))
    tokens, channels = build.shapes[names[0]]
    usual = torch.arange(symbol.places.numel()).reshape(-1, tokens, channels)
    if not torch.equal(symbol.places.reshape(usual.shape), usual):
        raise build.refused("takes the softmax of a part of a product; that is not known")
    return Symbol(tuple(names), symbol.places, IDENTITY)


def _without_offset(build: Builder, symbol: Symbol) -> None:
    """Take away what is added to all scores alike, which softmax does not see."""
    expression = symbol.expression
    if not isinstance(expression, Affine):
        return
    added = torch.as_tensor(expression.offset)[symbol.places if torch.is_tensor(expression.offset) else ...]
    if not added.any() or (added != added.flatten()[0]).any():
        return
    offset = float(added.flatten()[0])
    build.rounded = [one.less(offset) if one.symbol is symbol else one for one in build.rounded]
    symbol.expression = Affine(expression.factor)


def attention(
    build: Builder, query: Symbol, key: Symbol, value: Symbol, factor: float | None = None
) -> Symbol:
    """softmax(factor · q · kᵀ) · v over the last two dimensions; 1/√d unless given."""
    scores = matmul(build, query, key.moved(lambda places: places.transpose(-1, -2)))
    scores.expression = Affine(query.shape[-1] ** -0.5 if factor is None else factor)
    return matmul(build, softmax(build, scores, -1), value)
