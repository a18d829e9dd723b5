"""A module of PyTorch, or an ONNX file, as a network: any that is made of operators that are known."""

from pathlib import Path

import torch
from torch import Tensor, nn

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.quantise import registry

from .graph import GraphNetwork


def capture_module(module: nn.Module, example: Tensor, name: str) -> GraphNetwork:
    """Capture a module with ``torch.export`` and translate it operator by operator.

    Args:
        example: one input as the module takes it: (1, …), or without a batch where the module takes that.
        name: for reports and file names.

    Returns:
        The network, whose inputs are (inputs, …) as the example is without its batch of 1.

    Raises:
        PointwiseError: the example is no input, the module cannot be captured, or it does something that is
            not known; the sentence names the operator, the module and the line of the source.
    """
    from .aten import translate

    if not isinstance(example, Tensor) or not example.is_floating_point() or not example.dim():
        raise PointwiseError(
            f"The example of {name} is {_shown(example)}, but a tensor of real numbers was expected."
        )
    if example.dim() > 3 and example.shape[0] != 1:
        raise PointwiseError(
            f"The example of {name} has the shape {tuple(example.shape)}, a batch of {example.shape[0]}, but "
            "one input was expected; give example[:1]."
        )
    return translate(module, example.detach().to(torch.float32), name)


def network_in_onnx(path: str | Path, name: str | None = None, example: Tensor | None = None) -> GraphNetwork:
    """The network of an ONNX file of real numbers, of opset 13 or later.

    Args:
        name: for reports and file names; the file's unless given.
        example: one input with its batch, of a file that leaves sizes free, as those of optimum do.

    Returns:
        The network, whose inputs are (inputs, …) as the file's input is without its batch.

    Raises:
        PointwiseError: the file cannot be read, or does something that is not known; the sentence names the
            node and its operator.
    """
    from .onnx import translate

    return translate(Path(path), name or Path(path).stem, None if example is None else example.shape)


def module_in_file(name: str) -> tuple[nn.Module, Tensor]:
    """A module and an example that a function of the user's makes.

    Args:
        name: ``my_net.py:build`` or ``package.module:build``: a function without arguments that returns both.

    Raises:
        PointwiseError: there is no such function, or it returns something else.
    """
    if ":" not in name:
        raise PointwiseError(
            f"The network {name} is no function in a file; name it as my_net.py:build, which returns the "
            "module and an example of its input."
        )
    made = registry.find(name, {}, "network")()
    if not (isinstance(made, tuple) and len(made) == 2 and isinstance(made[0], nn.Module)):
        raise PointwiseError(
            f"{name} returns {_shown(made)}, but the module and an example of its input were expected; let "
            "it end in return module, torch.zeros(1, …)."
        )
    return made[0], made[1]


def _shown(value: object) -> str:
    """What a value is, in a few words."""
    if isinstance(value, Tensor):
        return f"a tensor of {value.dtype} and the shape {tuple(value.shape)}"
    return f"a {type(value).__name__}"
