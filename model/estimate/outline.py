"""The outline of a vision transformer: all its layers with their dimensions, and no numbers in them.

The compiler orders, places and cuts a network by its dimensions alone, so an outline gives the program of a
network without its weights, calibration or memory for them.
"""

from collections.abc import Container

import numpy as np

from hw.contract.isa import Prologue, Stationary
from hw.contract.stream import TABLE_ENTRIES
from model.compiler.shapes import Shape
from model.integer.layernorm import NormConstants
from model.integer.network import IntegerNetwork, Layer

INPUT, RESIDUAL, LOGITS = "image", "x", "logits"
_NORM = NormConstants(1, 16, 1, 0, 1)
_TABLE = np.zeros(TABLE_ENTRIES, np.int64)


def outline(shape: Shape, name: str = "outline", *, shifts: bool | Container[str] = True) -> IntegerNetwork:
    """A network of these dimensions as ``model.quantise`` makes it, with zeros that take no memory.

    Args:
        shape: its dimensions. name: of the network, for messages.
        shifts: whether the layers behind a LayerNorm carry channel shifts, or the names of those that do. It
            depends on the weights: in a DeiT all of them do, in a small network some do not.

    Returns:
        A network to be compiled, estimated and timed; its results are zeros.
    """
    layers = [
        _layer(
            "patch_embed", (INPUT,), RESIDUAL, shape.inputs, shape.dim, residual=True, add=True, norm=_NORM
        )
    ]
    for block in range(shape.depth):
        layers += _attention(f"blocks.{block}.attn", shape, shifts)
        layers += _mlp(f"blocks.{block}.mlp", shape, shifts)
    for token in range(1 + shape.distilled):
        head = "head_dist" if token else "head"
        layers.append(
            _behind_norm(
                head,
                LOGITS,
                shape,
                shape.classes,
                shifts,
                first_token=token,
                count=1,
                residual=True,
                add=token > 0,
            )
        )
    return IntegerNetwork(
        name=name,
        tokens=shape.tokens,
        input_channels=shape.inputs,
        input_name=INPUT,
        residual_name=RESIDUAL,
        residual_init=_zeros(np.int16, shape.tokens, shape.dim),
        layers=tuple(layers),
        output=LOGITS,
        output_scale=1.0,
        input_scale=1.0,
        macs=_macs(shape),
    )


def _attention(name: str, shape: Shape, shifts: bool | Container[str]) -> list[Layer]:
    layers = []
    for head in range(shape.heads):
        q, k, v, scores, context = (f"{name}.{part}.{head}" for part in ("q", "k", "v", "s", "o"))
        layers += [_behind_norm(tensor, tensor, shape, shape.head_dim, shifts) for tensor in (q, k, v)]
        layers.append(
            _layer(
                scores,
                (q,),
                scores,
                None,
                shape.tokens,
                stationary=Stationary.KEYS,
                stationary_input=k,
                row_max=True,
            )
        )
        layers.append(
            _layer(
                context,
                (scores,),
                context,
                None,
                shape.head_dim,
                stationary=Stationary.VALUES,
                stationary_input=v,
                prologue=Prologue.EXPONENTIAL,
                exp_table=_TABLE,
                divide=True,
            )
        )
    contexts = tuple(f"{name}.o.{head}" for head in range(shape.heads))
    width = shape.heads * shape.head_dim
    return [
        *layers,
        _layer(f"{name}.proj", contexts, RESIDUAL, width, shape.dim, residual=True, add=True, norm=_NORM),
    ]


def _mlp(name: str, shape: Shape, shifts: bool | Container[str]) -> list[Layer]:
    hidden = f"{name}.fc1"
    return [
        _behind_norm(hidden, hidden, shape, shape.hidden, shifts, table=_TABLE, out_unsigned=True),
        _layer(
            f"{name}.fc2",
            (hidden,),
            RESIDUAL,
            shape.hidden,
            shape.dim,
            in_unsigned=True,
            residual=True,
            add=True,
            norm=_NORM,
        ),
    ]


def _behind_norm(
    name: str, output: str, shape: Shape, n: int, shifts: bool | Container[str], **more: object
) -> Layer:
    """A layer that reads the residual stream through its LayerNorm."""
    carries = shifts if isinstance(shifts, bool) else name in shifts
    shift = np.broadcast_to(np.uint8(carries), (shape.dim,))
    return _layer(
        name, (RESIDUAL,), output, shape.dim, n, prologue=Prologue.NORMALISE, channel_shift=shift, **more
    )


def _layer(name: str, inputs: tuple[str, ...], output: str, k: int | None, n: int, **more: object) -> Layer:
    """A layer with N channels out; ``k`` None: its stationary operand comes from the chip."""
    weight = None if k is None else _zeros(np.int8, n, k)
    bias = mult = _zeros(np.int64, n)
    shift = np.broadcast_to(np.int64(1), (n,))
    return Layer(name, inputs, output, bias, mult, shift, weight, **more)


def _zeros(dtype: type, *shape: int) -> np.ndarray:
    """Zeros of any shape that share one element."""
    return np.broadcast_to(dtype(0), shape)


def _macs(shape: Shape) -> int:
    """Useful multiply-accumulates; the patch embedding counts all tokens but the class tokens."""
    width = shape.heads * shape.head_dim
    block = shape.dim * (4 * width + 2 * shape.hidden) + 2 * shape.tokens * width
    prefix = 1 + shape.distilled
    embedding = (shape.tokens - prefix) * shape.inputs * shape.dim
    return embedding + shape.depth * shape.tokens * block + prefix * shape.dim * shape.classes
