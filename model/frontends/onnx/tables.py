"""Tables of integers, with which the project's own files say functions of one number."""

import json
import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.frontends import elementwise
from pointwise.model.frontends.builder import Builder
from pointwise.model.frontends.rounded import Rounded
from pointwise.model.frontends.settle import settle
from pointwise.model.frontends.symbol import Symbol
from pointwise.model.graph.functions import function
from pointwise.model.quantise.taken import CLOSE

from .integers import Quantised


def looked_up(build: Builder, table: Tensor, index: Quantised, output: str, told: str) -> Quantised:
    """A table of 256 integers, of which the network has the function.

    Args:
        output: what the file calls the result.
        told: what the exporter says of the function in JSON: its name, what is added to its input, and the
            scale and zero point of its result.

    Raises:
        PointwiseError: it says nothing, or something else.
    """
    try:
        said = json.loads(told)
        name, offset, scale, zero = (said[key] for key in ("function", "offset", "scale", "zero"))
        known = function(name)
        offset, scale, zero = float(offset), torch.tensor(float(scale)).double(), torch.tensor(int(zero))
    except (ValueError, KeyError, TypeError, PointwiseError) as error:
        raise build.refused(
            "looks integers up in a table without saying of which function; give a file with the function "
            "itself"
        ) from error
    shifted = elementwise.affine(build, index.symbol, 1.0, offset)
    settle(build, shifted, "looks up")
    build.rounded = [
        replace(one, symbol=shifted).less(-offset) if one.symbol is index.symbol else one
        for one in build.rounded
    ]
    made = elementwise.apply(build, shifted, known)
    found = Quantised(made, scale, zero, table.dtype, looked_up=True)
    if not _holds(table, known, index, offset, found):
        raise build.refused(
            f"has another table than one of {name} with the scales that it names; export it anew"
        )
    build.rounded.append(Rounded(output, made, float(scale), found.zero_point))
    return found


def _holds(
    table: Tensor, known: Callable[[Tensor], Tensor], index: Quantised, offset: float, made: Quantised
) -> bool:
    """Whether a table has a function's integers, each up to one, as they are chosen by what they lead to."""
    if table.dtype not in (torch.int8, torch.uint8) or table.numel() != 1 << 8 or index.kind != torch.int8:
        return False
    # A negative index counts from the end.
    places = torch.arange(1 << 8).to(torch.int8).double()
    exact = known(float(index.scale) * (places - index.zero_point) + offset) / float(made.scale)
    exact = exact + float(made.zero or 0)
    limits = torch.iinfo(table.dtype)
    return bool((table - exact.clamp(limits.min, limits.max)).abs().max() <= 1)


def of_table(build: Builder, x: Quantised, scale: float, zero: int) -> Symbol:
    """The numbers of a table's integers by the scale that follows, which need not be that of the function."""
    own = float(x.scale)
    if math.isclose(own, scale, rel_tol=CLOSE) and int(x.zero or 0) == zero:
        return x.symbol
    return elementwise.affine(build, x.symbol, scale / own, scale * (int(x.zero or 0) - zero))


def as_numbers(build: Builder, x: Quantised) -> Quantised:
    """Integers of a table as if they were the numbers themselves, so that others can stand beside them."""
    settle(build, x.symbol, "looks up")
    numbers = elementwise.affine(build, x.symbol, 1 / float(x.scale), float(x.zero or 0))
    return replace(x, symbol=numbers, scale=torch.ones(()), zero=torch.zeros((), dtype=torch.int64))
