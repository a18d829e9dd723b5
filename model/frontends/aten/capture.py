"""Capturing a module: ``torch.export``, with the library's own decompositions of what is not known here."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from pointwise.hw.contract.errors import PointwiseError

from .registry import ATEN


def capture(module: nn.Module, example: Sequence[Tensor], name: str) -> ExportedProgram:
    """A module's operators, those that have no translator taken apart into simpler ones.

    The module is put into inference mode for it, and back as it was.

    Args:
        example: one input, as the module takes it. name: of the network, for messages.

    Raises:
        PointwiseError: PyTorch cannot run or capture it; its reason is told.
    """
    fast = torch.backends.mha.get_fastpath_enabled()
    # Some may be in inference mode and others not.
    training = [one for one in module.modules() if one.training]
    try:
        # The fast path is one operator of PyTorch's own that nothing takes apart.
        torch.backends.mha.set_fastpath_enabled(False)
        module.eval()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.export(module, tuple(example), strict=False)
            return program.run_decompositions(_decompositions())
    except Exception as error:
        # What the module does is the user's, and may raise anything.
        reason = " ".join(str(error).split()) or "no reason given"
        raise PointwiseError(
            f"The network {name} cannot be captured by torch.export ({type(error).__name__}: "
            f"{reason[:300]}); its forward must take one input of the example's shape, a batch of 1, and not "
            "depend on its values."
        ) from error
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for one in training:
            one.training = True


def _decompositions() -> dict[torch._ops.OperatorBase, Callable[..., Any]]:
    """How PyTorch takes operators apart, without those that are known here."""
    table, known = torch.export.default_decompositions(), ATEN.translators()
    for operator in list(table):
        if str(operator).removeprefix("aten.").partition(".")[0] in known:
            del table[operator]
    return cast("dict[torch._ops.OperatorBase, Callable[..., Any]]", table)
